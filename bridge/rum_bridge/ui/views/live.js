/** Events as they arrive. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { get } from "../api.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { Empty, Failure } from "../parts/states.js";
import { Timeline } from "../parts/timeline.js";
import { go, linkHere, linkTo } from "../place.js";

const POLL_MS = 1500;
const KEPT = 300;

export function Live({ place, monitor }) {
  const [paused, setPaused] = useState(false);
  const { events, error, retry } = useTail(monitor, paused);
  const wanted = place.params.get("text") ?? "";
  const text = wanted.toLowerCase();
  const shown = events?.filter((event) => !text || `${event.type} ${event.summary} ${event.page}`.toLowerCase().includes(text));
  return html`<div class="row below-headline">
      <button type="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>${paused ? "Continue" : "Pause"}</button>
      <label>Only with the text <input value=${wanted} onInput=${(event) => go(linkHere(place, { text: event.target.value }), { replace: true })} /></label>
    </div>
    ${error && html`<${Failure} error=${error} retry=${retry} />`}
    ${!shown && !error && html`<p class="quiet" role="status">Loading…</p>`}
    ${shown?.length === 0 && html`<${Empty} title=${text ? "No event has this text." : "Waiting for events."}>
      ${!text && html`<p>Send one from the server: <code>openrum send --sample --name ${monitor}</code>, or <a
        href=${linkTo(place, ["monitors", monitor])}>connect a page</a>.</p>`}<//>`}
    ${shown?.length > 0 && html`<${Panel} wide=${true} title="Events" note=${`the latest ${KEPT} at most, newest first`}>
      <${Timeline} events=${shown} pauses=${false} sessionLink=${(id) => linkTo(place, ["sessions", id])} /><//>`}`;
}

/** Poll for events. Nothing is requested while the page is hidden or paused. */
function useTail(monitor, paused) {
  const [state, setState] = useState({});
  const [attempt, setAttempt] = useState(0);
  const position = useRef("");
  useEffect(() => {
    if (paused) return undefined;
    const controller = new AbortController();
    let timer;
    const poll = async () => {
      try {
        if (!document.hidden) await readMore(controller.signal);
        timer = setTimeout(poll, POLL_MS);
      } catch (error) {
        if (!controller.signal.aborted) setState((before) => ({ ...before, error }));
      }
    };
    const readMore = async (signal) => {
      const page = await get(["insight", monitor, "tail"], { nextToken: position.current, maxResults: 100 }, signal);
      position.current = page.nextToken;
      const added = page.events.toReversed();
      setState((before) => ({ events: [...added, ...(before.events ?? [])].slice(0, KEPT) }));
    };
    poll();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [monitor, paused, attempt]);
  const retry = () => {
    setState((before) => ({ events: before.events }));
    setAttempt(attempt + 1);
  };
  return { ...state, retry };
}
