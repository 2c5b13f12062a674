/** The short lists of the overview: errors, requests and pages that need attention. */
import { get } from "../api.js";
import { ago, count, dateTime } from "../format.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { useSelected } from "../parts/selected.js";
import { Loaded } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { linkTo } from "../place.js";
import { membersOf } from "../selection.js";
import { errorColumns } from "./errors.js";
import { failures, httpColumns } from "./http.js";
import { MEASURED, pageColumns } from "./pages.js";

const SHOWN = 7;
/** With at most this number of errors, one response has those of both lists. */
const FEW = 100;

export function Lists({ place, selection }) {
  const errors = useErrors(selection);
  return html`<${FrequentErrors} place=${place} errors=${errors} />
    <${FailingRequests} place=${place} selection=${selection} />
    <${NewErrors} place=${place} errors=${errors} after=${selection.after} />
    <${WorstPages} place=${place} selection=${selection} />`;
}

/** Load the errors of most sessions, and those that were first seen last. */
function useErrors(selection) {
  const path = ["insight", selection.monitor, "errors"];
  return useData(async (signal) => {
    const members = membersOf(selection);
    const { groups, nextToken } = await get(path, { ...members, maxResults: FEW }, signal);
    const latest = nextToken
      ? (await get(path, { ...members, order: "first_seen", maxResults: SHOWN }, signal)).groups
      : [...groups].sort((a, b) => b.firstSeen - a.firstSeen);
    return { frequent: groups.slice(0, SHOWN), latest: latest.slice(0, SHOWN) };
  }, selection.key);
}

function FrequentErrors({ place, errors }) {
  return html`<${Panel} title="Errors" note="by affected sessions" link=${{ href: linkTo(place, ["errors"]), text: "All errors" }}>
    <${Loaded} of=${errors}>${({ frequent }) => frequent.length
      ? html`<${Table} caption="Errors by affected sessions" rows=${frequent} keyOf=${(group) => group.fingerprint}
          columns=${errorColumns(place).filter((column) => column.short)} />`
      : html`<p class="quiet">No JavaScript errors.</p>`}<//>
  <//>`;
}

function NewErrors({ place, errors, after }) {
  const columns = [
    { title: "Release", cell: (group) => group.firstRelease || "unknown" },
    { title: "Error", grow: true, cell: (group) => html`<a class="one-line" href=${linkTo(place, ["errors", group.fingerprint])}>${group.title}</a>` },
    { title: "First seen", number: true, cell: (group) => html`<span title=${dateTime(group.firstSeen)}>${ago(group.firstSeen)}</span>` },
    { title: "Sessions", number: true, cell: (group) => count(group.sessions) },
  ];
  return html`<${Panel} title="New errors" note="first seen in this time range, by release" wide=${true}>
    <${Loaded} of=${errors}>${({ latest }) => {
      const found = latest.filter((group) => group.isNew).sort((a, b) => b.firstRelease.localeCompare(a.firstRelease, undefined, { numeric: true }));
      return found.length
        ? html`<${Table} caption="New errors by release" rows=${found} columns=${columns} keyOf=${(group) => group.fingerprint} />`
        : html`<p class="quiet">${latest[0]?.firstSeen >= after
            ? "Errors are called new when something is known from before this time range."
            : "No error was seen for the first time."}</p>`;
    }}<//>
  <//>`;
}

function FailingRequests({ place, selection }) {
  const targets = useSelected(selection, ["http"], { maxResults: SHOWN });
  return html`<${Panel} title="HTTP requests that fail" link=${{ href: linkTo(place, ["http"]), text: "All requests" }}>
    <${Loaded} of=${targets}>${(data) => {
      const failing = data.targets.filter(failures);
      return failing.length
        ? html`<${Table} caption="HTTP requests that fail" rows=${failing} columns=${httpColumns(place).filter((column) => column.short)} />`
        : html`<p class="quiet">No HTTP request failed.</p>`;
    }}<//>
  <//>`;
}

function WorstPages({ place, selection }) {
  const pages = useSelected(selection, ["segments"], { by: "DIMENSION_PAGE", order: "worst", maxResults: 8, distribution: MEASURED });
  return html`<${Panel} wide=${true} title="Worst pages" note="by views that are slow or have an error" link=${{ href: linkTo(place, ["pages"]), text: "All pages" }}>
    <${Loaded} of=${pages}>${({ segments }) => {
      const viewed = segments.filter((segment) => segment.measures.counts.pageViews);
      return viewed.length
        ? html`<${Table} caption="Worst pages" rows=${viewed} columns=${pageColumns(place)} keyOf=${(segment) => segment.value} />`
        : html`<p class="quiet">No page views.</p>`;
    }}<//>
  <//>`;
}
