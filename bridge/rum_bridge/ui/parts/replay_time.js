/** Times of replays. */

const GAP_MS = 10_000;

/** Return the parts of a replay without events, relative to its start. */
export function gapsOf(events) {
  const start = events[0].timestamp;
  return events.slice(1).flatMap((event, at) => {
    const from = events[at].timestamp;
    return event.timestamp - from >= GAP_MS ? [{ from: from - start, to: event.timestamp - start }] : [];
  });
}

/** A position, such as "1:05". */
export function position(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
