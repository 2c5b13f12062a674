/** The frames of a stack: as the browser reported them, and on request with the original code. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { html } from "./html.js";
import { Failure } from "./states.js";

const placeOf = ({ url, line, column }) => [url, line, column].filter(Boolean).join(":");

export function Frames({ monitor, release, frames }) {
  const [state, setState] = useState({});
  const loading = useRef(null);
  useEffect(() => () => loading.current?.abort(), []);
  const load = async () => {
    const controller = (loading.current = new AbortController());
    setState({ loading: true });
    try {
      const { originalsOf } = await import("../source_maps.js");
      setState({ originals: await originalsOf(monitor, release, frames, controller.signal) });
    } catch (error) {
      if (!controller.signal.aborted) setState({ error });
    }
  };
  if (state.originals?.some(Boolean)) {
    return html`<ol class="frames">${frames.map((frame, index) => html`<${Frame} frame=${frame} original=${state.originals[index]} open=${
      index === state.originals.findIndex(Boolean)} />`)}</ol>`;
  }
  return html`<pre tabindex="0">${frames.map((frame) => `${frame.function || "(anonymous)"}  ${placeOf(frame)}`).join("\n")}</pre>
    ${state.error && html`<${Failure} error=${state.error} />`}
    ${state.originals
      ? html`<p class="quiet" role="alert">There is no source map for these scripts${release && ` in release ${release}`}.
          Upload those of each release: <code>openrum sourcemaps upload ${monitor} --release ${release || "RELEASE"} dist</code></p>`
      : html`<p><button type="button" disabled=${state.loading} onClick=${load}>${state.loading ? "Loading…" : "Show the original code"}</button></p>`}`;
}

function Frame({ frame, original, open }) {
  const minified = `${frame.function || "(anonymous)"}  ${placeOf(frame)}`;
  if (!original) return html`<li class="quiet mono">${minified}</li>`;
  const title = html`<strong>${original.name || frame.function || "(anonymous)"}</strong> ${original.source}:${original.line}:${original.column}`;
  return html`<li>
    ${original.context.some((line) => line.text)
      ? html`<details open=${open}><summary class="mono">${title}</summary><pre tabindex="0">${original.context.map(({ number, text }) => html`<span
          class=${number === original.line ? "here" : ""}>${String(number).padStart(5)}  ${text}${"\n"}</span>`)}</pre></details>`
      : html`<p class="mono">${title}</p>`}
    <p class="quiet mono minified">${minified}</p>
  </li>`;
}
