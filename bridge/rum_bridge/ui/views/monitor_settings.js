/** Changes the domains of an app monitor, and whether it stores custom events. */
import { send } from "../api.js";
import { useAction } from "../parts/action.js";
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
  const { run, reset, busy, done, error } = useAction();
  const submit = (event) => {
    event.preventDefault();
    const members = membersOfForm(new FormData(event.target));
    run(() => send("PATCH", ["appmonitor", monitor.Name], members).then(changed));
  };
  return html`<${Panel} title="Settings">
    <form class="stack" onSubmit=${submit} onInput=${reset}>
      <label>Domains, up to five <input name="domains" required defaultValue=${domainsOf(monitor).join(", ")} /></label>
      <label class="check"><input type="checkbox" name="custom" defaultChecked=${monitor.CustomEvents?.Status === "ENABLED"} /> Store
        custom events</label>
      ${error && html`<${Failure} error=${error} inForm=${true} />`}
      <div class="row"><button type="submit" class="primary" disabled=${busy}>Save</button>
        <output class="quiet">${done && "Saved."}</output></div>
    </form>
  <//>`;
}
