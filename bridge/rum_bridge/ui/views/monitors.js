/** App monitors: list them, create one, and how far the projection is. */
import { useState } from "../vendor/hooks.mjs";
import { get, send } from "../api.js";
import { bytes, count, dateTime, duration } from "../format.js";
import { useAction } from "../parts/action.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { Facts, Panel } from "../parts/panel.js";
import { Failure, Loaded } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { go, linkHere, linkTo } from "../place.js";
import { membersOfForm, stateOf } from "./monitor_settings.js";

const SHOWN = 25;

export function Monitors({ place, monitors, monitor }) {
  if (monitors.error) return html`<${OnlyOne} place=${place} name=${monitor} />`;
  const columns = [
    { title: "Name", cell: (monitor) => html`<a href=${linkTo(place, ["monitors", monitor.Name])}>${monitor.Name}</a>` },
    { title: "ID", roomy: true, cell: (monitor) => html`<span class="mono nowrap">${monitor.Id}</span>` },
    { title: "State", cell: stateOf },
    { title: "Created", cell: (monitor) => html`<span class="nowrap">${dateTime(Date.parse(monitor.Created))}</span>` },
    { title: "Dropped events", number: true, cell: (monitor) => count(Number(monitor.DroppedEvents ?? 0)) },
    { title: "Links", untitled: true, cell: (monitor) => html`<a href=${linkTo(place, ["overview"], { monitor: monitor.Name, filter: undefined })}>Overview<span
        class="hidden"> of ${monitor.Name}</span></a>` },
  ];
  return html`<div class="grid">
    ${monitors.data?.length > 0 && html`<${List} place=${place} columns=${columns} rows=${monitors.data} />`}
    <${Create} monitors=${monitors} place=${place} />
    <${Projection} />
  </div>`;
}

/** What a token for one app monitor allows. */
function OnlyOne({ place, name }) {
  return html`<${Panel} wide=${true} title="App monitors">
    <p>The token of this tab is for one app monitor: <a href=${linkTo(place, ["monitors", name], { monitor: name })}>${name}</a></p>
  <//>`;
}

/** The first app monitors whose names have the text. The forms below stay in reach. */
function List({ place, columns, rows }) {
  const text = place.params.get("text") ?? "";
  const [all, setAll] = useState(false);
  const found = rows.filter((monitor) => monitor.Name.toLowerCase().includes(text.trim().toLowerCase()));
  const shown = all ? found : found.slice(0, SHOWN);
  return html`<${Panel} wide=${true} title="App monitors" note=${rows.length > SHOWN && count(rows.length)}>
    ${rows.length > SHOWN && html`<label>Only names with the text <input value=${text} autocomplete="off"
      onInput=${(event) => go(linkHere(place, { text: event.target.value }), { replace: true })} /></label>`}
    <${Table} caption="App monitors" columns=${columns} rows=${shown} keyOf=${(monitor) => monitor.Name} />
    ${found.length === 0 && html`<p class="quiet">No app monitor has this text in its name.</p>`}
    ${shown.length < found.length && html`<p class="more"><button type="button" onClick=${() => setAll(true)}>Show
      all ${count(found.length)}</button></p>`}
  <//>`;
}

function Create({ monitors, place }) {
  const { run, busy, error } = useAction();
  const create = async (form) => {
    const name = form.get("name").trim();
    // AWS's default is 0.1: nine of ten visits would not be recorded.
    const AppMonitorConfiguration = { SessionSampleRate: 1 };
    await send("POST", ["appmonitor"], { Name: name, ...membersOfForm(form), AppMonitorConfiguration });
    monitors.retry();
    go(linkTo(place, ["monitors", name], { monitor: name }));
  };
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    run(() => create(form));
  };
  return html`<${Panel} title="Create an app monitor" note="for one application">
    <form class="stack" onSubmit=${submit}>
      <label>Name <input name="name" required maxlength="255" pattern="[A-Za-z0-9_#\\-][A-Za-z0-9._#\\-]*" placeholder="shop"
        title="Letters, digits and . _ # - are allowed. A name does not begin with a dot." /></label>
      <label>Domains, up to five <input name="domains" required placeholder="shop.example.com" /></label>
      <label class="check"><input type="checkbox" name="custom" checked /> Store custom events</label>
      ${error && html`<${Failure} error=${error} inForm=${true} />`}
      <div><button type="submit" class="primary" disabled=${busy}>Create</button></div>
    </form>
  <//>`;
}

/** How far the numbers of this page are behind the log. */
function Projection() {
  const found = useData((signal) => get(["insight-state"], {}, signal), "state");
  return html`<${Panel} title="Projection" note="the numbers of this page are computed from it">
    <${Loaded} of=${found}>${(state) => html`<${Facts} pairs=${[
      ["Behind the log", state.freshness.lagMs ? duration(state.freshness.lagMs) : "no"],
      ["Events", count(state.events)],
      ["Size on disk", bytes(state.bytes)],
      ["Last change", dateTime(state.updatedMs)],
      ["State", state.freshness.rebuilding ? "is being rebuilt" : "complete"],
    ]} />`}<//>
  <//>`;
}
