/** Changes the domains of an app monitor, and whether it stores custom events. */
import { useState } from "../vendor/hooks.mjs";
import { send } from "../api.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { Failure } from "../parts/states.js";

/** The members of a request for what a form with the inputs "domains" and "custom" says. */
export const membersOfForm = (form) => ({
  DomainList: form.get("domains").split(/[\s,]+/).filter(Boolean),
  CustomEvents: { Status: form.has("custom") ? "ENABLED" : "DISABLED" },
});

export const stateOf = (monitor) => (monitor.State === "CREATED" ? "no event yet" : monitor.State.toLowerCase());

export const domainsOf = (monitor) => [monitor.Domain ?? monitor.DomainList ?? []].flat();

export function Settings({ monitor, changed }) {
  const [state, setState] = useState({});
  const submit = async (event) => {
    event.preventDefault();
    const members = membersOfForm(new FormData(event.target));
    setState({ busy: true });
    try {
      await send("PATCH", ["appmonitor", monitor.Name], members);
      setState({ saved: true });
      changed();
    } catch (error) {
      setState({ error });
    }
  };
  return html`<${Panel} title="Settings">
    <form class="stack" onSubmit=${submit} onInput=${() => setState({})}>
      <label>Domains, up to five <input name="domains" required defaultValue=${domainsOf(monitor).join(", ")} /></label>
      <label class="check"><input type="checkbox" name="custom" defaultChecked=${monitor.CustomEvents?.Status === "ENABLED"} /> Store
        custom events</label>
      ${state.error && html`<${Failure} error=${state.error} inForm=${true} />`}
      <div class="row"><button type="submit" class="primary" disabled=${state.busy}>Save</button>
        <output class="quiet">${state.saved && "Saved."}</output></div>
    </form>
  <//>`;
}
