/**
 * The recordings of a session, by window. Two windows of one session can be open at the same time, and rrweb events do
 * not name theirs.
 */

const [DOM_CONTENT_LOADED, LOAD, FULL_SNAPSHOT, INCREMENTAL_SNAPSHOT, META] = [0, 1, 2, 3, 4];
/** A recording begins with one of these. */
const FIRST = [DOM_CONTENT_LOADED, LOAD, META];

/**
 * Return the replay of each window, as `{ events, lost }`. lost: its first events are missing.
 * @param {{page: string, events: {type: number, timestamp: number}[]}[]} parts
 */
export function windowsOf(parts) {
  const windows = [];
  for (const events of recordingsOf(parts)) {
    // A window that loads another page begins a new recording, when the previous one has ended.
    const same = windows.find((window) => window.at(-1).timestamp <= events[0].timestamp);
    if (same) same.push(...events);
    else windows.push(events);
  }
  return windows.map(fromFirstSnapshot);
}

/**
 * Return the events of each recording, which begins when a window loads a page. A part continues the latest recording of
 * its page, or the latest of all if a window has gone to the page without loading it.
 */
function recordingsOf(parts) {
  const recordings = [];
  const inOrder = parts.filter(({ events }) => events.length).sort((a, b) => a.events[0].timestamp - b.events[0].timestamp);
  for (const { page, events } of inOrder) {
    const latest = [...recordings].sort((a, b) => b.events.at(-1).timestamp - a.events.at(-1).timestamp);
    const known = !FIRST.includes(events[0].type) && (latest.find((recording) => recording.page === page) ?? latest[0]);
    if (known) {
      known.events.push(...events);
      known.page = page;
    } else {
      recordings.push({ page, events: [...events] });
    }
  }
  return recordings.map(({ events }) => events.sort((a, b) => a.timestamp - b.timestamp));
}

function fromFirstSnapshot(events) {
  const first = events.findIndex((event) => event.type === FULL_SNAPSHOT);
  const lost = events.slice(0, Math.max(0, first)).some(({ type }) => type === INCREMENTAL_SNAPSHOT);
  // rrweb needs the event with the size of the window, which precedes the snapshot.
  return { events: first < 0 ? [] : events.slice(Math.max(0, first - 1)), lost };
}
