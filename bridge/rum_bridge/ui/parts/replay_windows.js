/**
 * The recordings of a session, by window. Two windows of one session can be open at the same time, and rrweb events do
 * not name theirs.
 */
import { Nodes, replacesNodes } from "./replay_nodes.js";

const [DOM_CONTENT_LOADED, LOAD, FULL_SNAPSHOT, INCREMENTAL_SNAPSHOT, META] = [0, 1, 2, 3, 4];
/** A recording begins with one of these. */
const FIRST = [DOM_CONTENT_LOADED, LOAD, META];
/** Members of the data of an event. */
const LISTS = ["adds", "removes", "texts", "attributes", "positions"];
/** How many recordings a part may continue: of more, those that ended last. */
const MOST_POSSIBLE = 6;

/**
 * Return the replay of each window, as `{ events, lost }`. lost: its first events are missing.
 * @param {{page: string, events: {type: number, timestamp: number}[]}[]} parts
 */
export function windowsOf(parts) {
  const windows = [];
  for (const events of recordingsOf(parts)) {
    // A window that loads another page begins a new recording, when the previous one has ended.
    const [same] = lastFirst(windows.filter((window) => isAfter(events, window.events)));
    if (same) append(same.events, events);
    else windows.push({ events });
  }
  return windows.map(({ events }) => fromFirstSnapshot(events));
}

/** Return the events of each recording, which begins when a window loads a page. */
function recordingsOf(parts) {
  const recordings = [];
  const inOrder = parts.map(({ page, events }) => ({ page, events: inOrderOfTime(events.filter(isEvent)) }))
    .filter(({ events }) => events.length).sort((a, b) => a.events[0].timestamp - b.events[0].timestamp);
  for (const { page, events } of inOrder) {
    const known = FIRST.includes(events[0].type) ? undefined : recordingOf(recordings, page, events);
    const recording = known ?? { events: [], nodes: new Nodes() };
    if (!known) recordings.push(recording);
    append(recording.events, events);
    recording.nodes.follow(events);
    recording.page = page;
  }
  return recordings.map(({ events }) => inOrderOfTime(events));
}

/**
 * Return the recording that a part continues: one that has ended before, because a window records one part after the other.
 * Of those, it is one whose document has the nodes of the part. If several have them, it is the latest of the same page, or
 * the latest of all if the window may have gone to the page without loading it.
 */
function recordingOf(recordings, page, events) {
  const ended = recordings.filter((recording) => isAfter(events, recording.events));
  const possible = lastFirst(ended.length ? ended : recordings).slice(0, MOST_POSSIBLE);
  if (possible.length < 2) return possible[0];
  const isLikely = (recording) => recording.page === page || replacesNodes(events);
  const strangers = [possible[0].nodes.strangers(events)];
  if (!strangers[0] && isLikely(possible[0])) return possible[0];
  for (const { nodes } of possible.slice(1)) strangers.push(nodes.strangers(events));
  const fewest = Math.min(...strangers);
  const fitting = possible.filter((_, at) => strangers[at] === fewest);
  return fitting.find(isLikely) ?? fitting[0];
}

/** Whether an event has the form of rrweb's. Recordings come from strangers, and others would stop the player. */
const isEvent = (event) => Number.isFinite(event?.timestamp) && Number.isFinite(event.type) && isObject(event.data) &&
  LISTS.map((name) => event.data[name] ?? []).every((list) => Array.isArray(list) && list.every(isObject));

const isObject = (value) => value instanceof Object;

const isAfter = (events, earlier) => earlier.at(-1).timestamp <= events[0].timestamp;

const inOrderOfTime = (events) => [...events].sort((a, b) => a.timestamp - b.timestamp);

// Thousands of arguments in one call would be too many.
const append = (events, later) => later.forEach((event) => events.push(event));

/** Return recordings in the order of their ends, the latest first. */
const lastFirst = (recordings) => recordings.toSorted((a, b) => b.events.at(-1).timestamp - a.events.at(-1).timestamp);

function fromFirstSnapshot(events) {
  const first = events.findIndex((event) => event.type === FULL_SNAPSHOT);
  const lost = events.slice(0, Math.max(0, first)).some(({ type }) => type === INCREMENTAL_SNAPSHOT);
  // rrweb needs the event with the size of the window, which precedes the snapshot.
  return { events: first < 0 ? [] : events.slice(Math.max(0, first - 1)), lost };
}
