/** Events as they arrive. The server filters by the same filters as other views, by type and by session. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { get } from "../api.js";
import { readable } from "../format.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { PATIENCE_MS, isTemporary } from "../parts/retries.js";
import { Empty, Failure, RETRYING, Waiting } from "../parts/states.js";
import { Timeline } from "../parts/timeline.js";
import { go, linkHere, linkTo } from "../place.js";

const POLL_MS = 1500;
/** After errors, the pause between two polls grows from POLL_MS to this. */
const MAX_PAUSE_MS = 10_000;
const GROWTH = 1.5;
const KEPT = 300;
/** Types of events of aws-rum-web, without their prefix and suffix. */
const TYPES = [
  "page_view", "js_error", "http", "session_start", "largest_contentful_paint", "interaction_to_next_paint",
  "cumulative_layout_shift", "first_contentful_paint", "first_input_delay", "time_to_first_byte",
  "performance_navigation", "performance_resource", "dom", "rrweb", "xray_trace", "page_close", "time_to_interactive",
];
const full = (type) => (TYPES.includes(type) ? `com.amazon.rum.${type}_event` : type);

export function Live({ place, monitor }) {
  const { params } = place;
  const [paused, setPaused] = useState(false);
  const text = params.get("text") ?? "";
  const type = params.get("type") ?? "";
  const members = { filter: params.getAll("filter"), type: full(type), sessionId: params.get("session") ?? "" };
  const set = (name, value) => go(linkHere(place, { [name]: value.trim() }), { replace: true });
  return html`<div class="row below-headline">
      <button type="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>${paused ? "Continue" : "Pause"}</button>
      <label>Event type <input list="event-types" autocomplete="off" maxlength="256" placeholder="all" value=${type}
        onChange=${(event) => set("type", event.target.value)} /></label>
      <datalist id="event-types">${TYPES.map((known) => html`<option value=${known} />`)}</datalist>
      <label>Only with the text <input value=${text} onInput=${(event) => set("text", event.target.value)} /></label>
      ${members.sessionId && html`<span class="chip">Session ${members.sessionId}<button type="button"
        aria-label="Remove the limit to one session" onClick=${() => set("session", "")}>×</button></span>`}
    </div>
    <${Events} key=${JSON.stringify([monitor, members])} place=${place} monitor=${monitor} members=${members}
      text=${text.trim().toLowerCase()} paused=${paused} />`;
}

function Events({ place, monitor, members, text, paused }) {
  const { events, waiting, error, retry } = useTail(monitor, members, paused);
  const shown = events?.filter((event) => !text || readable(`${event.type} ${event.summary} ${event.page}`).toLowerCase().includes(text));
  const isLimited = members.filter.length > 0 || members.type || members.sessionId;
  const title = text && events?.length ? "No event has this text." : isLimited ? "Waiting for events that meet the filter." : "Waiting for events.";
  return html`${waiting && html`<${Waiting} error=${waiting} />`}
    ${error && html`<${Failure} error=${error} retry=${retry} note=${!paused && RETRYING} />`}
    ${!shown && !waiting && !error && html`<p class="quiet" role="status">Loading…</p>`}
    ${shown?.length === 0 && html`<${Empty} title=${title}>
      ${!text && !isLimited && html`<p>Send one from the server: <code>openrum send --sample --name ${monitor}</code>, or <a
        href=${linkTo(place, ["monitors", monitor])}>connect a page</a>.</p>`}<//>`}
    ${shown?.length > 0 && html`<${Panel} wide=${true} title="Events" note=${`as they arrived, newest first, at most ${KEPT}`}>
      <${Timeline} events=${shown} pauses=${false} dates=${true} sessionLink=${(id) => linkTo(place, ["sessions", id])} /><//>`}`;
}

/** Poll for events, also after an error. Nothing is requested while the page is hidden or paused. */
function useTail(monitor, members, paused) {
  const [state, setState] = useState({});
  const [attempt, setAttempt] = useState(0);
  const position = useRef("");
  useEffect(() => {
    if (paused) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    let timer;
    let pauseMs = POLL_MS;
    let failingSince;
    const poll = async () => {
      try {
        if (!document.hidden) {
          await readMore();
          [pauseMs, failingSince] = [POLL_MS, undefined];
        }
      } catch (error) {
        if (signal.aborted) return;
        failingSince ??= Date.now();
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * GROWTH);
        const isEarly = isTemporary(error) && Date.now() - failingSince < PATIENCE_MS;
        setState(({ events }) => (isEarly ? { events, waiting: error } : { events, error }));
      }
      timer = setTimeout(poll, pauseMs);
    };
    const readMore = async () => {
      const query = { ...members, nextToken: position.current, maxResults: 100 };
      const page = await get(["insight", monitor, "tail"], query, signal);
      position.current = page.nextToken;
      const added = page.events.toReversed();
      setState((before) => ({ events: [...added, ...(before.events ?? [])].slice(0, KEPT) }));
    };
    poll();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [paused, attempt]);
  const retry = () => {
    setState((before) => ({ events: before.events }));
    setAttempt(attempt + 1);
  };
  return { ...state, retry };
}
