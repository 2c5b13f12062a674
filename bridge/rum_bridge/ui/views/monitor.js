/** One app monitor: the snippet for pages, the resource policy, custom metrics, source maps, settings, and its deletion. */
import { get } from "../api.js";
import { dateTime } from "../format.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { Facts, Panel } from "../parts/panel.js";
import { Loaded } from "../parts/states.js";
import { linkTo } from "../place.js";
import { Delete } from "./monitor_delete.js";
import { Metrics } from "./monitor_metrics.js";
import { Policy, usePolicy } from "./monitor_policy.js";
import { Settings, domainsOf, stateOf } from "./monitor_settings.js";
import { Snippet } from "./monitor_snippet.js";
import { SourceMaps } from "./monitor_source_maps.js";

export function Monitor({ id, place, monitors }) {
  const found = useData((signal) => get(["appmonitor", id], {}, signal), id);
  const policy = usePolicy(id);
  return html`<p class="headline"><a href=${linkTo(place, ["monitors"])}>All app monitors</a>
      <a href=${linkTo(place, ["overview"], { monitor: id, filter: undefined })}>Overview of ${id}</a></p>
    <${Loaded} of=${found}>${({ AppMonitor: monitor }) => html`<div class="grid">
      <${Panel} wide=${true} title="Details">
        <${Facts} pairs=${[
          ["ID", html`<span class="mono">${monitor.Id}</span>`],
          ["Domains", domainsOf(monitor).join(", ")],
          ["State", stateOf(monitor)],
          ["Custom events", monitor.CustomEvents?.Status === "ENABLED" ? "stored" : "dropped"],
          ["Created", dateTime(Date.parse(monitor.Created))],
          ["Changed", dateTime(Date.parse(monitor.LastModified))],
        ]} />
      <//>
      <${Snippet} monitor=${monitor} policy=${policy} />
      <${Policy} name=${monitor.Name} found=${policy} />
      <${Metrics} name=${monitor.Name} />
      <${SourceMaps} name=${monitor.Name} />
      <${Settings} monitor=${monitor} changed=${found.retry} />
      <${Delete} name=${monitor.Name} place=${place} monitors=${monitors} />
    </div>`}<//>`;
}
