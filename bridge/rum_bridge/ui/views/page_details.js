/** One page: its vitals, and what makes it slow. */
import { get } from "../api.js";
import { bytes, count, duration, named, ratio, readable, score } from "../format.js";
import { getOverview } from "../overview_data.js";
import { Change, isChanceOfApdex } from "../parts/change.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { NoData } from "../parts/no_data.js";
import { Panel, Tile } from "../parts/panel.js";
import { Rated } from "../parts/rating.js";
import { Loaded } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { VitalPanel } from "../parts/vital.js";
import { linkTo } from "../place.js";
import { isOfPage, membersOf, withPage, withoutPage } from "../selection.js";
import { VITALS } from "../vitals.js";

export function PageDetails({ id, place, selection, onSelect }) {
  const { monitor, compareAfter, comparedTo, key } = selection;
  const filter = withPage(place, id === "unknown" ? "" : id);
  const members = { ...membersOf(selection), filter };
  const overview = useData((signal) => getOverview(monitor, { ...members, compareAfter }, signal), key);
  const details = useData((signal) => get(["insight", monitor, "page"], { ...members, distribution: "lcp" }, signal), key);
  const all = html`<a href=${linkTo(place, ["pages"], { filter: withoutPage(place) })}>All pages</a>`;
  if (overview.data && !overview.data.total.counts.events && !overview.data.comparedTotal) {
    return html`<p class="headline">${all}</p>
      <${Loaded} of=${overview}>${() => html`<${NoData} title="No events of this page in this time range." place=${placeWithoutPage(place)}
        monitor=${monitor} />`}<//>`;
  }
  return html`<p class="headline">${all}
      ${["errors", "http", "sessions"].map((view) => html`<a href=${linkTo(place, [view], { filter })}>Its ${
        view === "http" ? "requests" : view}</a> `)}</p>
    <${Loaded} of=${overview}>${(data) => html`<div class="grid">
      <${Counts} data=${data} comparedTo=${comparedTo} />
      ${["lcp", "inp", "cls"].map((vital) => html`<${VitalPanel} vital=${vital} data=${data} comparedTo=${comparedTo} onSelect=${onSelect} />`)}
    </div>`}<//>
    <div class="grid below"><${Loaded} of=${details}>${(data) => html`<div class="grid"><${Causes} data=${data} /></div>`}<//></div>`;
}

/** The place without the filter that nobody can remove. */
function placeWithoutPage(place) {
  const params = new URLSearchParams([...place.params].filter(([name, value]) => name !== "filter" || !isOfPage(value)));
  return { path: place.path, params };
}

function Counts({ data, comparedTo }) {
  const now = data.total.counts;
  const then = data.comparedTotal?.counts ?? {};
  const tile = (name, member, good, format = count) => html`<${Tile} name=${name} value=${format(now[member])}>
    <${Change} now=${now[member]} then=${then[member]} comparedTo=${comparedTo} good=${good}
      isChance=${member === "apdex" ? isChanceOfApdex(now, then) : undefined} /><//>`;
  return [
    tile("Page views", "pageViews"),
    tile("Sessions", "sessions"),
    tile("Apdex", "apdex", "up", score),
    tile("JavaScript errors", "jsErrors", "down"),
    tile("HTTP 5xx", "http5xx", "down"),
    tile("HTTP 4xx", "http4xx", "down"),
  ];
}

function Causes({ data }) {
  const phases = [
    ["Phases of navigations", data.navigationPhases],
    ["Parts of Largest Contentful Paint", data.lcpPhases],
    ["Parts of Interaction to Next Paint", data.inpPhases],
  ].filter(([, rows]) => rows.length);
  const vitals = ["lcp", "inp", "cls"].filter((vital) => data.attributions.some((row) => row.vital === vital));
  return [
    ...phases.map(([title, rows]) => html`<${Panel} title=${title}><${Table} caption=${title} rows=${rows} columns=${PHASES} /><//>`),
    ...vitals.map((vital) => html`<${Elements} vital=${vital} rows=${data.attributions.filter((row) => row.vital === vital)} />`),
    data.resources.length > 0 && html`<${Panel} wide=${true} title="Resources" note="longest in total first">
      <${Table} caption="Resources" rows=${data.resources} columns=${RESOURCES} /><//>`,
  ];
}

const PHASES = [
  { title: "Phase", cell: (phase) => phase.name },
  ...["p50", "p75", "p90"].map((name) => ({ title: name, number: true, cell: (phase) => duration(phase.duration[name]) })),
];

const RESOURCES = [
  { title: "URL", cell: (resource) => html`<span class="mono">${readable(resource.url)}</span>` },
  { title: "Type", cell: (resource) => named(resource.fileType) },
  { title: "Loads", number: true, cell: (resource) => count(resource.duration.samples) },
  ...["p50", "p75", "p90"].map((name) => ({ title: name, number: true, cell: (resource) => duration(resource.duration[name]) })),
  { title: "Size p50", number: true, cell: (resource) => bytes(resource.sizeP50) },
];

function Elements({ vital, rows }) {
  const { short } = VITALS[vital];
  const columns = [
    { title: "Element", cell: (row) => html`<span class="mono">${named(row.target)}</span>` },
    { title: "Samples", number: true, cell: (row) => count(row.value.samples) },
    { title: `${short} p75`, number: true, cell: (row) => html`<${Rated} vital=${vital} value=${row.value.p75} />` },
    { title: "Poor", number: true, cell: (row) => ratio(row.value.poor, row.value.samples) },
  ];
  return html`<${Panel} title=${`Elements behind ${short}`} note="most poor values first">
    <${Table} caption=${`Elements behind ${short}`} rows=${rows} columns=${columns} /><//>`;
}
