/** The overview: what changed, how much is going on, how fast it is, and what fails. */
import { getOverview } from "../overview_data.js";
import { duration, score, shortCount } from "../format.js";
import { Change, isChanceOfApdex } from "../parts/change.js";
import { Chart } from "../parts/chart.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { NoData } from "../parts/no_data.js";
import { Panel, Tile } from "../parts/panel.js";
import { Loaded } from "../parts/states.js";
import { VitalPanel } from "../parts/vital.js";
import { linkTo } from "../place.js";
import { useEffect, useState } from "../vendor/hooks.mjs";
import { membersOf } from "../selection.js";
import { Changes } from "./changes.js";
import { Lists } from "./worst.js";

export function Overview({ place, selection, onSelect }) {
  const { monitor, compareAfter, key } = selection;
  const overview = useData(
    (signal) => getOverview(monitor, { ...membersOf(selection), compareAfter }, signal), key,
  );
  const { data, error, loading } = overview;
  // The other requests do not wait for the response of the first one, but are sent after it.
  const [sent, setSent] = useState(false);
  useEffect(() => setSent(true), []);
  if (error) return html`<${Loaded} of=${overview} />`;
  if (data && !data.total.counts.events && !data.comparedTotal) {
    return html`<${Loaded} of=${overview}>${() => html`<${NoData} title="No events in this time range." place=${place} monitor=${monitor}>
      <li>Send a sample from the server: <code>openrum send --sample --name ${monitor}</code></li><//>`}<//>`;
  }
  return html`${!data && html`<${Loaded} of=${overview} />`}
    <div class=${data && loading ? "stale" : ""} aria-busy=${Boolean(data) && loading} hidden=${!data}>${sent && html`<div class="grid">
      <${Changes} place=${place} selection=${selection} />
      ${data && html`<${Numbers} data=${data} selection=${selection} place=${place} onSelect=${onSelect} />`}
      <${Lists} place=${place} selection=${selection} />
    </div>`}</div>`;
}

function Numbers({ data, selection, place, onSelect }) {
  const { comparedTo } = selection;
  return html`<${Tiles} data=${data} comparedTo=${comparedTo} place=${place} />
    ${["lcp", "inp", "cls"].map((vital) => html`<${VitalPanel} vital=${vital} data=${data} comparedTo=${comparedTo} onSelect=${onSelect}
      link=${{ href: linkTo(place, ["pages"], { order: `${vital}_p75` }), text: `Pages by ${vital.toUpperCase()}` }} />`)}
    <${Views} data=${data} comparedTo=${comparedTo} onSelect=${onSelect} />
    <${Failures} data=${data} onSelect=${onSelect} />`;
}

function Tiles({ data, comparedTo, place }) {
  const now = data.total.counts;
  const then = data.comparedTotal?.counts ?? {};
  const tile = (name, member, view, good, format = shortCount) => html`<${Tile} name=${name} value=${format(now[member])}
    href=${linkTo(place, [view])}>
    <${Change} now=${now[member]} then=${then[member]} comparedTo=${comparedTo} good=${good}
      isChance=${member === "apdex" ? isChanceOfApdex(now, then) : undefined} /><//>`;
  return [
    tile("Sessions", "sessions", "sessions"),
    tile("Page views", "pageViews", "pages"),
    tile("Apdex", "apdex", "pages", "up", score),
    tile("JavaScript errors", "jsErrors", "errors", "down"),
    tile("HTTP 5xx", "http5xx", "http", "down"),
    tile("HTTP 4xx", "http4xx", "http", "down"),
  ];
}

function Views({ data, comparedTo, onSelect }) {
  const { firstMs, stepMs, pageViews } = data.series;
  const lines = [{ name: "page views", values: pageViews, color: "blue" }];
  if (data.comparedSeries) lines.push({ name: comparedTo, values: data.comparedSeries.pageViews, color: "compared", compared: true });
  return html`<${Panel} title="Page views" note=${`per ${duration(stepMs)}`}>
    <${Chart} title="Page views" firstMs=${firstMs} stepMs=${stepMs} lines=${lines} format=${shortCount} whole=${true} onSelect=${onSelect} />
  <//>`;
}

function Failures({ data, onSelect }) {
  const { firstMs, stepMs, jsErrors, http5xx, http4xx, httpNoResponse } = data.series;
  const lines = [
    { name: "JavaScript errors", values: jsErrors, color: "amber" },
    { name: "5xx", values: http5xx, color: "red" },
    { name: "4xx", values: http4xx, color: "blue" },
    { name: "no response", values: httpNoResponse, color: "violet" },
  ];
  return html`<${Panel} title="Failures" note=${`per ${duration(stepMs)}`}>
    <${Chart} title="Failures" firstMs=${firstMs} stepMs=${stepMs} lines=${lines} format=${shortCount} whole=${true} onSelect=${onSelect} />
  <//>`;
}
