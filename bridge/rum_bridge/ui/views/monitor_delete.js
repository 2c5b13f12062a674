/** Deletes an app monitor, after its name has been typed. */
import { useState } from "../vendor/hooks.mjs";
import { send } from "../api.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { Failure } from "../parts/states.js";
import { go, linkTo } from "../place.js";

export function Delete({ name, place, monitors }) {
  const [typed, setTyped] = useState("");
  const [state, setState] = useState({});
  const submit = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      await send("DELETE", ["appmonitor", name]);
    } catch (error) {
      setState({ error });
      return;
    }
    monitors.retry();
    const isChosen = place.params.get("monitor") === name;
    go(linkTo(place, ["monitors"], isChosen ? { monitor: undefined } : {}));
  };
  return html`<${Panel} title="Delete the app monitor">
    <form class="stack" onSubmit=${submit}>
      <p>Its events, policy, metrics and source maps are deleted with it. This cannot be undone.</p>
      <label>Type the name “${name}” to confirm <input value=${typed} autocomplete="off" spellcheck=${false} required
        onInput=${(event) => setTyped(event.target.value)} /></label>
      ${state.error && html`<${Failure} error=${state.error} inForm=${true} />`}
      <div><button type="submit" class="danger" disabled=${state.busy || typed !== name}>${
        state.busy ? "Deleting…" : "Delete permanently"}</button></div>
    </form>
  <//>`;
}
