/** JavaScript errors, grouped by their cause. */
import { ago, count, dateTime, named } from "../format.js";
import { html } from "../parts/html.js";
import { NoData } from "../parts/no_data.js";
import { Panel } from "../parts/panel.js";
import { useSelectedList } from "../parts/selected.js";
import { Spark } from "../parts/spark.js";
import { Loaded, More } from "../parts/states.js";
import { Table, orderOf } from "../parts/table.js";
import { linkTo } from "../place.js";

/** Columns with `short` are shown on the overview too. */
export const errorColumns = (place) => [
  { title: "Error", short: true, grow: true, cell: (group) => html`${group.isNew && html`<span class="badge" title=${`new since release ${named(group.firstRelease)}`}>new${
      group.firstRelease && `, ${group.firstRelease}`}</span>`}<a class="one-line" title=${group.title}
      href=${linkTo(place, ["errors", group.fingerprint])}>${group.title}</a>` },
  { title: "Where", roomy: true, cell: (group) => html`<span class="mono one-line" title=${group.location}>${group.location}</span>` },
  { title: "Trend", short: true, roomy: true, cell: (group) => html`<${Spark} values=${group.trend} label="Errors" />` },
  { title: "Errors", short: true, number: true, order: "events", cell: (group) => count(group.events) },
  { title: "Sessions", short: true, number: true, order: "sessions", cell: (group) => count(group.sessions) },
  { title: "Users", number: true, cell: (group) => count(group.users) },
  { title: "First seen", number: true, order: "first_seen", cell: (group) => html`<span title=${dateTime(group.firstSeen)}>${ago(group.firstSeen)}</span>` },
  { title: "First release", cell: (group) => named(group.firstRelease) },
  { title: "Last seen", number: true, order: "last_seen", cell: (group) => html`<span title=${dateTime(group.lastSeen)}>${ago(group.lastSeen)}</span>` },
];

export function Errors({ place, selection }) {
  const list = useSelectedList(selection, ["errors"], "groups", { order: orderOf(place) });
  return html`<${Loaded} of=${list}>${() => list.items.length
    ? html`<${Panel} wide=${true} title="Error groups" note="one row per cause">
        <${Table} caption="Error groups" place=${place} defaultOrder="sessions" columns=${errorColumns(place)}
          rows=${list.items} keyOf=${(group) => group.fingerprint} />
        <${More} list=${list} />
      <//>`
    : html`<${NoData} title="No JavaScript errors in this time range." place=${place} monitor=${selection.monitor}>
        <li>Pages report errors if the snippet has the telemetry “errors”.</li><//>`}<//>`;
}
