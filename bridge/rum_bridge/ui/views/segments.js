/** Browsers, systems, devices, countries and releases side by side: all of them, or one in full. */
import { useEffect, useState } from "../vendor/hooks.mjs";
import { named } from "../format.js";
import { Change } from "../parts/change.js";
import { html } from "../parts/html.js";
import { NoData } from "../parts/no_data.js";
import { Panel } from "../parts/panel.js";
import { useSelected, useSelectedList } from "../parts/selected.js";
import { Loaded, More } from "../parts/states.js";
import { Table, orderOf } from "../parts/table.js";
import { go, linkHere, linkTo } from "../place.js";
import { DIMENSIONS } from "../selection.js";
import { MEASURED, REST, keyOfSegment, measureColumns, withRest } from "./pages.js";

const COMPARED = ["browser", "os", "device", "country", "release"];
const PLURALS = { browser: "browsers", os: "systems", device: "devices", country: "countries", release: "releases" };
const IN_SHORT = ["Page views", "LCP p75", "Apdex", "Errors per view"];

export function Segments({ place, selection }) {
  const by = COMPARED.includes(place.params.get("by")) ? place.params.get("by") : "";
  // A selection without events has no value of any dimension: saying so once is enough.
  const [empty, setEmpty] = useState("");
  return html`<${Choice} place=${place} by=${by} />
    ${by
      ? html`<${OneDimension} place=${place} selection=${selection} by=${by} />`
      : empty === selection.key
        ? html`<${NoEvents} place=${place} selection=${selection} />`
        : html`<div class="grid">${COMPARED.map((name) => html`<${InShort} key=${name} place=${place} selection=${selection} by=${name}
            onEmpty=${() => setEmpty(selection.key)} />`)}</div>`}`;
}

/** The most frequent values of a dimension. */
function InShort({ place, selection, by, onEmpty }) {
  const found = useSelected(selection, ["segments"], { by: `DIMENSION_${by.toUpperCase()}`, maxResults: 6, distribution: "lcp" });
  useEffect(() => { if (found.data && !found.loading && !found.data.segments.length) onEmpty(); }, [found.data, found.loading]);
  const title = DIMENSIONS[by];
  const columns = [valueColumn(place, by), ...measureColumns().filter((column) => IN_SHORT.includes(column.title))];
  return html`<${Panel} title=${title} link=${{ href: linkHere(place, { by }), text: `All ${PLURALS[by]}` }}>
    <${Loaded} of=${found}>${({ segments }) => html`<${Table} caption=${`Measures by ${title}, in short`} columns=${columns} rows=${segments}
      keyOf=${(segment) => segment.value} />`}<//>
  <//>`;
}

function OneDimension({ place, selection, by }) {
  const { compareAfter } = selection;
  const members = { by: `DIMENSION_${by.toUpperCase()}`, order: orderOf(place), compareAfter, distribution: MEASURED };
  const list = useSelectedList(selection, ["segments"], "segments", members);
  const title = DIMENSIONS[by];
  return html`<${Loaded} of=${list}>${({ other }) => list.items.length
      ? html`<${Panel} wide=${true} title=${title} note=${isCompared(list.items) && `change vs ${selection.comparedTo}`}>
          <${Table} caption=${`Measures by ${title}`} place=${place} defaultOrder="page_views" rows=${withRest(list.items, other)}
            columns=${columns(place, by, list.items)} keyOf=${keyOfSegment} />
          <${More} list=${list} />
        <//>`
      : html`<${NoEvents} place=${place} selection=${selection} />`}<//>`;
}

function NoEvents({ place, selection }) {
  return html`<${NoData} title="No events in this time range." place=${place} monitor=${selection.monitor} />`;
}

function valueColumn(place, by) {
  const filters = place.params.getAll("filter");
  return {
    title: DIMENSIONS[by],
    cell: ({ value, isRest }) => (isRest ? REST : html`<a href=${linkTo(place, ["overview"], { filter: [...new Set([...filters, `${by}=${value}`])] })}>${named(value)}</a>`),
  };
}

function columns(place, by, segments) {
  const changed = {
    title: "Change", number: true,
    cell: ({ measures, compared }) => html`<${Change} now=${measures.counts.pageViews} then=${compared?.counts?.pageViews} />`,
  };
  const [views, ...rest] = measureColumns();
  return [valueColumn(place, by), views, ...(isCompared(segments) ? [changed] : []), ...rest];
}

const isCompared = (segments) => segments.some(({ compared }) => compared?.counts?.pageViews);

function Choice({ place, by }) {
  return html`<p class="row below-headline" role="group" aria-label="Compare by">${["", ...COMPARED].map((name) => html`<button type="button"
    aria-pressed=${name === by} onClick=${() => go(linkHere(place, { by: name || undefined }))}>${DIMENSIONS[name] ?? "All"}</button>`)}</p>`;
}
