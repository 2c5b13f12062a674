/** Deletes an app monitor, after its name has been typed. */
import { useState } from "../vendor/hooks.mjs";
import { send } from "../api.js";
import { useAction } from "../parts/action.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { Failure } from "../parts/states.js";
import { go, linkTo } from "../place.js";

export function Delete({ name, place, monitors }) {
  const [typed, setTyped] = useState("");
  const { run, busy, error } = useAction();
  const remove = async () => {
    await send("DELETE", ["appmonitor", name]);
    monitors.retry();
    const isChosen = place.params.get("monitor") === name;
    go(linkTo(place, ["monitors"], isChosen ? { monitor: undefined } : {}));
  };
  const submit = (event) => {
    event.preventDefault();
    run(remove);
  };
  return html`<${Panel} title="Delete the app monitor">
    <form class="stack" onSubmit=${submit}>
      <p>Its events, policy, metrics and source maps are deleted with it. This cannot be undone.</p>
      <label>Type the name “${name}” to confirm <input value=${typed} autocomplete="off" spellcheck=${false} required
        onInput=${(event) => setTyped(event.target.value)} /></label>
      ${error && html`<${Failure} error=${error} inForm=${true} />`}
      <div><button type="submit" class="danger" disabled=${busy || typed !== name}>${
        busy ? "Deleting…" : "Delete permanently"}</button></div>
    </form>
  <//>`;
}
