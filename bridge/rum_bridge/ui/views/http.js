/** The HTTP requests of pages, by method and URL pattern. */
import { get } from "../api.js";
import { count, duration, ratio } from "../format.js";
import { html } from "../parts/html.js";
import { useList } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { Spark } from "../parts/spark.js";
import { Empty, Loaded, More } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { linkTo } from "../place.js";
import { membersOf } from "../selection.js";

/** Columns with `short` are shown on the overview too. */
export const httpColumns = () => [
  { title: "Request", short: true, grow: true, cell: ({ method, url }) => html`<span class="one-line" title=${`${method} ${url}`}>${method} ${url}</span>` },
  { title: "Trend", cell: (target) => html`<${Spark} values=${target.trend} label="Failed requests" />` },
  { title: "Requests", short: true, number: true, order: "calls", cell: (target) => count(target.calls) },
  { title: "4xx", short: true, number: true, order: "http_4xx", cell: (target) => count(target.http4xx) },
  { title: "5xx", short: true, number: true, order: "http_5xx", cell: (target) => count(target.http5xx) },
  { title: "No response", short: true, number: true, cell: (target) => count(target.httpNoResponse) },
  { title: "Failures", number: true, order: "failures", cell: (target) => count(failures(target)) },
  { title: "Failing", short: true, number: true, cell: (target) => ratio(failures(target), target.calls) },
  { title: "Affected sessions", number: true, order: "sessions", cell: (target) => count(target.failedSessions) },
  { title: "Latency p50", number: true, cell: (target) => duration(target.latency.p50) },
  { title: "p75", number: true, cell: (target) => duration(target.latency.p75) },
  { title: "p99", number: true, cell: (target) => duration(target.latency.p99) },
];

/** Requests with a status of 400 or higher, or without a response. */
export const failures = (target) => target.http4xx + target.http5xx + target.httpNoResponse;

export function Http({ place, selection }) {
  const order = place.params.get("order") ?? undefined;
  const load = async (nextToken, signal) => {
    const members = { ...membersOf(selection), order, nextToken };
    const page = await get(["insight", selection.monitor, "http"], members, signal);
    return { items: page.targets, nextToken: page.nextToken };
  };
  const list = useList(load, `${selection.key}${order}`);
  return html`<${Loaded} of=${list}>${() => list.items.length
    ? html`<${Panel} wide=${true} title="Requests" note="one row per method and URL pattern">
        <${Table} caption="HTTP requests" place=${place} defaultOrder="failures" columns=${httpColumns()} rows=${list.items}
          keyOf=${(target) => `${target.method} ${target.url}`} />
        <${More} list=${list} />
      <//>`
    : html`<${Empty} title="No HTTP requests in this time range."><p>Pages report requests if the snippet has the telemetry
        “http”; successful ones only with recordAllRequests. <a href=${linkTo(place, ["monitors", selection.monitor])}>Look at the snippet.</a></p><//>`}<//>`;
}
