/** The pages of the application, by route. */
import { count, named, ratio, score } from "../format.js";
import { html } from "../parts/html.js";
import { NoData } from "../parts/no_data.js";
import { Panel } from "../parts/panel.js";
import { Rated } from "../parts/rating.js";
import { useSelectedList } from "../parts/selected.js";
import { Loaded, More } from "../parts/states.js";
import { Table, orderOf } from "../parts/table.js";
import { linkTo } from "../place.js";
import { withPage } from "../selection.js";

/** The distributions that these columns show. */
export const MEASURED = ["lcp", "inp", "cls"];

export const pageColumns = (place) => [
  { title: "Page", cell: ({ value, isRest }) => (isRest ? REST : html`<a href=${linkTo(place, ["pages", value || "unknown"], { filter: withPage(place, value) })}>${named(value)}</a>`) },
  ...measureColumns(),
];

/** The name of the segment with all values that have none of their own. */
export const REST = html`<em>All others, after the first 1,000</em>`;

/** The segments of a list, and that of the other values, if there are any. */
export const withRest = (segments, other) => (other?.measures?.counts.events ? [...segments, { ...other, isRest: true }] : segments);

/** The key of a segment. No value has a line break. */
export const keyOfSegment = ({ value, isRest }) => (isRest ? "\n" : value);

/** Columns with the measures of a segment. */
export const measureColumns = () => [
  { title: "Page views", number: true, order: "page_views", cell: ({ measures }) => count(measures.counts.pageViews) },
  { title: "Sessions", number: true, roomy: true, order: "sessions", cell: ({ measures }) => count(measures.counts.sessions) },
  ...MEASURED.map((vital) => ({
    title: `${vital.toUpperCase()} p75`, number: true, order: `${vital}_p75`,
    cell: ({ measures }) => html`<${Rated} vital=${vital} value=${measures[vital].p75} />`,
  })),
  { title: "Apdex", number: true, order: "apdex", direction: "ascending", cell: ({ measures }) => score(measures.counts.apdex) },
  { title: "Errors per view", number: true, order: "js_errors", cell: ({ measures: { counts } }) => ratio(counts.jsErrors, counts.pageViews) },
  { title: "HTTP 5xx", number: true, order: "http_5xx", cell: ({ measures }) => count(measures.counts.http5xx) },
];

export function Pages({ place, selection }) {
  const members = { by: "DIMENSION_PAGE", order: orderOf(place), distribution: MEASURED };
  const list = useSelectedList(selection, ["segments"], "segments", members);
  return html`<${Loaded} of=${list}>${({ other }) => list.items.length
    ? html`<${Panel} wide=${true} title="Pages" note="by route: identifiers in paths are replaced">
        <${Table} caption="Pages" place=${place} defaultOrder="page_views" columns=${pageColumns(place)} 
          rows=${withRest(list.items, other)} keyOf=${keyOfSegment} />
        <${More} list=${list} />
      <//>`
    : html`<${NoData} title="No page views in this time range." place=${place} monitor=${selection.monitor} />`}<//>`;
}
