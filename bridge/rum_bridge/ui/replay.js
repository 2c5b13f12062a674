/**
 * The player of replays, a document of its own: the recorded page brings its styles, which the policy of the main
 * document does not allow. The main document sends the events.
 */
import { useEffect, useRef, useState } from "./vendor/hooks.mjs";
import { Replayer } from "./vendor/rrweb-replay.js";
import { html, render } from "./parts/html.js";
import { gapsOf, position } from "./parts/replay_time.js";

const SPEEDS = [1, 2, 4, 8];

function Player({ events, failures }) {
  const stage = useRef(null);
  const replayer = useRef(null);
  const [state, setState] = useState({ playing: false, at: 0, speed: 1 });
  const total = events.at(-1).timestamp - events[0].timestamp;
  const gaps = gapsOf(events);
  useEffect(() => {
    const made = new Replayer(events, { root: stage.current, mouseTail: false, showWarning: false, skipInactive: true });
    replayer.current = made;
    made.on("resize", () => fit(stage.current, made));
    made.on("finish", () => setState((before) => ({ ...before, playing: false, at: total })));
    made.pause(0);
    fit(stage.current, made);
    const refit = () => fit(stage.current, made);
    addEventListener("resize", refit);
    return () => {
      removeEventListener("resize", refit);
      made.destroy();
    };
  }, []);
  useEffect(() => {
    if (!state.playing) return undefined;
    const timer = setInterval(() => setState((before) => ({ ...before, at: replayer.current.getCurrentTime() })), 200);
    return () => clearInterval(timer);
  }, [state.playing]);
  const seek = (at) => {
    if (state.playing) replayer.current.play(at);
    else replayer.current.pause(at);
    setState({ ...state, at });
  };
  const toggle = () => {
    const at = state.at >= total ? 0 : state.at;
    if (state.playing) replayer.current.pause();
    else replayer.current.play(at);
    setState({ ...state, at, playing: !state.playing });
  };
  const accelerate = (speed) => {
    replayer.current.setConfig({ speed });
    setState({ ...state, speed });
  };
  return html`
    <div class="row">
      <button type="button" onClick=${toggle}>${state.playing ? "Pause" : "Play"}</button>
      <input type="range" class="seek" aria-label="Position" min="0" max=${total} step="100" value=${state.at}
        aria-valuetext=${position(state.at)} onInput=${(event) => seek(Number(event.target.value))} />
      <span class="quiet">${position(state.at)} of ${position(total)}</span>
      <select aria-label="Speed" value=${state.speed} onChange=${(event) => accelerate(Number(event.target.value))}>
        ${SPEEDS.map((speed) => html`<option value=${speed}>${speed}×</option>`)}</select>
    </div>
    <${Track} total=${total} gaps=${gaps} />
    <${Marks} title="Without recorded events" marks=${gaps.map((gap) => ({ at: gap.from, text: `${position(gap.from)} to ${position(gap.to)}` }))} seek=${seek} />
    <${Marks} title="Errors and failed requests" marks=${failures} seek=${seek} />
    <div class="stage" ref=${stage}></div>`;
}

/** The whole time as a bar with the gaps in it. The list below has them as text. */
function Track({ total, gaps }) {
  return html`<svg class="track" viewBox="0 0 1000 4" preserveAspectRatio="none" aria-hidden="true">
    <rect width="1000" height="4" class="recorded" />
    ${gaps.map(({ from, to }) => html`<rect x=${(1000 * from) / total} width=${(1000 * (to - from)) / total} height="4" class="gap" />`)}</svg>`;
}

function Marks({ title, marks, seek }) {
  return marks.length > 0 && html`<p class="quiet row marks">${title}: ${marks.slice(0, 20).map(({ at, text }) => html`<button
    type="button" onClick=${() => seek(at)}>${text}</button>`)}</p>`;
}

/** Scale the recorded page to the width of the player. */
function fit(stage, { wrapper, iframe }) {
  const scale = Math.min(1, stage.clientWidth / (iframe.offsetWidth || 1));
  wrapper.style.transform = `scale(${scale})`;
  wrapper.style.transformOrigin = "0 0";
  stage.style.height = `${Math.ceil(iframe.offsetHeight * scale)}px`;
}

addEventListener("message", ({ origin, source, data }) => {
  if (origin !== location.origin || source !== parent || !Array.isArray(data?.events)) return;
  const player = document.getElementById("player");
  player.replaceChildren();
  render(html`<${Player} events=${data.events} failures=${data.failures} />`, player);
});
parent.postMessage("ready", location.origin);
