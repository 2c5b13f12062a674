/** Loads the replay of a session, when somebody asks for it, and shows the player. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { get, pagesOf } from "../api.js";
import { bytes, count, dateTime, readable } from "../format.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { Failure } from "../parts/states.js";
import { position } from "../parts/replay_time.js";
import { windowsOf } from "../parts/replay_windows.js";

const MAX_CHARS = 100e6;
/** aws-rum-web rounds the times of events to seconds, but not those in recordings. */
const ROUNDING_MS = 500;

export function Replay({ id, monitor, events, dropped }) {
  const [state, setState] = useState({});
  const loading = useRef(null);
  useEffect(() => () => loading.current?.abort(), []);
  const load = async () => {
    loading.current = new AbortController();
    try {
      setState({ chars: 0 });
      const replay = await readReplay(monitor, id, (chars) => setState({ chars }), loading.current.signal);
      setState({ replay });
    } catch (error) {
      if (!loading.current.signal.aborted) setState({ error });
    }
  };
  return html`<${Panel} wide=${true} title="Replay">
    ${dropped > 0 && html`<p class="quiet">Parts of it may be missing. <${Dropped} number=${dropped} /></p>`}
    ${state.error && html`<${Failure} error=${state.error} retry=${load} />`}
    ${state.replay
      ? html`<${Windows} replay=${state.replay} marks=${events} />`
      : state.chars !== undefined
        ? html`<p class="quiet" role="status">Loading… ${bytes(state.chars)}</p>`
        : !state.error && html`<button type="button" class="primary" onClick=${load}>Show the replay</button>`}
  <//>`;
}

/** Says that the server dropped events of the session. It does not record which ones. */
export const Dropped = ({ number }) => html`The server dropped ${count(number)} ${number === 1 ? "event" : "events"} of this session:
  session replays that are off or over their quota, or custom events that the app monitor does not store.`;

async function readReplay(monitor, id, progress, signal) {
  const parts = [];
  const load = (nextToken) => get(["insight", monitor, "sessions", id, "replay"], { nextToken }, signal);
  let chars = 0;
  for await (const page of pagesOf(load)) {
    const events = page.events.map((text) => JSON.parse(text));
    for (const part of page.parts) parts.push({ page: part.page, events: events.splice(0, part.events) });
    chars += page.events.reduce((sum, text) => sum + text.length, 0);
    progress(chars);
    if (chars > MAX_CHARS) break;
  }
  return { windows: windowsOf(parts), cut: chars > MAX_CHARS };
}

/** The player of one window. A list chooses it, if the session has several. */
function Windows({ replay: { windows, cut }, marks }) {
  const [at, setAt] = useState(0);
  const { events, lost } = windows[at] ?? { events: [], lost: false };
  return html`${windows.length > 1 && html`<p class="row"><label>Window <select value=${at} onChange=${(event) => setAt(Number(event.target.value))}>
      ${windows.map((window, number) => html`<option value=${number}>${number + 1}${
        window.events.length ? `, from ${dateTime(window.events[0].timestamp)}` : ""}</option>`)}</select></label>
      <span class="quiet">The user had ${count(windows.length)} windows open at the same time.</span></p>`}
    <${Player} key=${at} replay=${{ events, lost, cut }} marks=${marks} />`;
}

function Player({ replay, marks }) {
  const frame = useRef(null);
  useEffect(() => {
    const [start, end] = [replay.events[0]?.timestamp, replay.events.at(-1)?.timestamp];
    const failures = marks
      .filter((event) => event.rating === "failed" && event.timestampMs >= start - ROUNDING_MS && event.timestampMs <= end + ROUNDING_MS)
      .map((event) => ({ at: Math.min(Math.max(event.timestampMs, start), end) - start, summary: readable(event.summary).slice(0, 60) }))
      .map(({ at, summary }) => ({ at, text: `${position(at)} ${summary}` }));
    const answer = ({ origin, source, data }) => {
      if (origin !== location.origin || source !== frame.current?.contentWindow || data !== "ready") return;
      source.postMessage({ events: replay.events, failures }, origin);
    };
    addEventListener("message", answer);
    return () => removeEventListener("message", answer);
  }, [replay]);
  if (replay.events.length < 2) {
    return html`<p>The recording has no full picture of the page, so it cannot be shown. The start of the session was not stored.</p>`;
  }
  return html`<div class="replay">
    ${replay.lost && html`<p class="quiet">The first events of the recording are missing.</p>`}
    ${replay.cut && html`<p class="quiet">The recording is too long: only its first part is shown.</p>`}
    <p class="quiet">Images and fonts of other hosts are not loaded.</p>
    <iframe ref=${frame} src="replay.html" title="Replay of the session"></iframe>
  </div>`;
}
