/** The HTTP requests of pages, by method and URL pattern. */
import { count, duration, ratio, readable } from "../format.js";
import { html } from "../parts/html.js";
import { NoData } from "../parts/no_data.js";
import { Panel } from "../parts/panel.js";
import { useSelectedList } from "../parts/selected.js";
import { Spark } from "../parts/spark.js";
import { Loaded, More } from "../parts/states.js";
import { Table, orderOf } from "../parts/table.js";
import { linkTo } from "../place.js";

/** Columns with `short` are shown on the overview too. */
export const httpColumns = (place) => [
  { title: "Request", short: true, grow: true, cell: (target) => html`<a class="one-line" title=${readable(nameOf(target))}
      href=${sessionsOf(place, target)}>${readable(nameOf(target))}</a>` },
  { title: "Trend", roomy: true, cell: (target) => html`<${Spark} values=${target.trend} label="Failed requests" />` },
  { title: "Requests", short: true, number: true, order: "calls", cell: (target) => count(target.calls) },
  { title: "4xx", short: true, number: true, order: "http_4xx", cell: (target) => linked(place, target, "4xx", target.http4xx) },
  { title: "5xx", short: true, number: true, order: "http_5xx", cell: (target) => linked(place, target, "5xx", target.http5xx) },
  { title: "No response", short: true, roomy: true, number: true, cell: (target) => linked(place, target, "no_response", target.httpNoResponse) },
  { title: "Failures", number: true, order: "failures", cell: (target) => count(failures(target)) },
  { title: "Failing", short: true, number: true, cell: (target) => ratio(failures(target), target.calls) },
  { title: "Affected sessions", number: true, order: "sessions", cell: (target) => linked(place, target, "failed", target.failedSessions) },
  { title: "Latency p50", timed: true, number: true, cell: (target) => duration(target.latency.p50) },
  { title: "p75", timed: true, number: true, cell: (target) => duration(target.latency.p75) },
  { title: "p99", timed: true, number: true, cell: (target) => duration(target.latency.p99) },
];

const isTimed = ({ latency }) => latency.samples > 0;
const columnsFor = (place, targets) => httpColumns(place).filter((column) => !column.timed || targets.some(isTimed));

const nameOf = ({ method, url }) => `${method} ${url}`;

/** A link to the sessions with such a request. */
const sessionsOf = (place, target, result) => linkTo(place, ["sessions"], { request: nameOf(target), result });

const linked = (place, target, result, number) => (number
  ? html`<a href=${sessionsOf(place, target, result)} title="Show the sessions">${count(number)}</a>`
  : "0");

/** Requests with a status of 400 or higher, or without a response. */
export const failures = (target) => target.http4xx + target.http5xx + target.httpNoResponse;

export function Http({ place, selection }) {
  const list = useSelectedList(selection, ["http"], "targets", { order: orderOf(place) });
  return html`<${Loaded} of=${list}>${() => list.items.length
    ? html`<${Panel} wide=${true} title="Requests" note="one row per method and URL pattern">
        <${Table} caption="HTTP requests" place=${place} defaultOrder="failures" columns=${columnsFor(place, list.items)} rows=${list.items}
          keyOf=${nameOf} />
        ${!list.items.some(isTimed) && html`<p class="quiet">Latency is shown if pages measure it: set <code>enableXRay: true</code> in the
          snippet.</p>`}
        <${More} list=${list} />
      <//>`
    : html`<${NoData} title="No HTTP requests in this time range." place=${place} monitor=${selection.monitor}>
        <li>Pages report failed requests if the snippet has the telemetry “http”, and all requests with recordAllRequests.</li><//>`}<//>`;
}
