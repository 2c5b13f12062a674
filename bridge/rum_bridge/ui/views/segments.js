/** The values of one dimension side by side. */
import { get } from "../api.js";
import { count, named } from "../format.js";
import { Change } from "../parts/change.js";
import { html } from "../parts/html.js";
import { useList } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { Empty, Loaded, More } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { go, linkHere, linkTo } from "../place.js";
import { DIMENSIONS, membersOf } from "../selection.js";
import { measureColumns } from "./pages.js";

const COMPARED = ["browser", "os", "device", "country", "release"];

export function Segments({ place, selection }) {
  const by = COMPARED.includes(place.params.get("by")) ? place.params.get("by") : "browser";
  const order = place.params.get("order") ?? undefined;
  const load = async (nextToken, signal) => {
    const { compareAfter } = selection;
    const members = { ...membersOf(selection), by: `DIMENSION_${by.toUpperCase()}`, order, nextToken, compareAfter };
    const page = await get(["insight", selection.monitor, "segments"], members, signal);
    return { items: page.segments, nextToken: page.nextToken, other: page.other };
  };
  const list = useList(load, `${selection.key}${by}${order}`);
  const title = DIMENSIONS[by];
  return html`<${Choice} place=${place} by=${by} />
    <${Loaded} of=${list}>${({ other }) => list.items.length
      ? html`<${Panel} wide=${true} title=${title} note=${`change vs ${selection.comparedTo}`}>
          <${Table} caption=${`Measures by ${title}`} place=${place} defaultOrder="page_views" rows=${list.items}
            columns=${columns(place, by, list.items)} keyOf=${(segment) => segment.value} />
          ${other?.measures?.counts.pageViews > 0 && html`<p class="quiet">All other values: ${count(other.measures.counts.pageViews)} page views.</p>`}
          <${More} list=${list} />
        <//>`
      : html`<${Empty} title="No events in this time range."><p>Choose a longer time range, or remove filters.</p><//>`}<//>`;
}

function columns(place, by, segments) {
  const filters = place.params.getAll("filter");
  const first = {
    title: DIMENSIONS[by],
    cell: ({ value }) => html`<a href=${linkTo(place, ["overview"], { filter: [...new Set([...filters, `${by}=${value}`])] })}>${named(value)}</a>`,
  };
  const changed = {
    title: "Change", number: true,
    cell: ({ measures, compared }) => html`<${Change} now=${measures.counts.pageViews} then=${compared?.counts?.pageViews} />`,
  };
  const [views, ...rest] = measureColumns();
  const isCompared = segments.some(({ compared }) => compared?.counts?.pageViews);
  return [first, views, ...(isCompared ? [changed] : []), ...rest];
}

function Choice({ place, by }) {
  return html`<p class="row below-headline" role="group" aria-label="Compare by">${COMPARED.map((name) => html`<button type="button"
    aria-pressed=${name === by} onClick=${() => go(linkHere(place, { by: name }))}>${DIMENSIONS[name]}</button>`)}</p>`;
}
