/** What is unusual, compared with the weeks before, in sentences. */
import { HOUR, count, date, duration, percent, readable, score, shift } from "../format.js";
import { html } from "../parts/html.js";
import { waitingFor } from "../parts/retries.js";
import { useSelected } from "../parts/selected.js";
import { linkTo } from "../place.js";

const NAMES = {
  sessions: ["Sessions", count, "overview"],
  js_error_rate: ["Sessions with a JavaScript error", percent, "errors"],
  http_5xx_rate: ["HTTP 5xx", percent, "http"],
  http_4xx_rate: ["HTTP 4xx", percent, "http"],
  http_no_response_rate: ["HTTP requests without a response", percent, "http"],
  lcp_p75: ["LCP", duration, "pages"],
  inp_p75: ["INP", duration, "pages"],
  cls_p75: ["CLS", shift, "pages"],
  apdex: ["Apdex", score, "pages"],
};
const hour = new Intl.DateTimeFormat(undefined, { hour: HOUR, minute: "2-digit" });

export function Changes({ place, selection }) {
  const changes = useSelected(selection, ["changes"]);
  if (changes.error) return html`<p class="changes wide quiet row">What changed is not known: ${changes.error.message}
    <button type="button" onClick=${changes.retry}>Try again</button></p>`;
  if (!changes.data && changes.waiting) {
    return html`<p class="changes wide quiet waiting" role="status">${waitingFor(changes.waiting)}</p>`;
  }
  if (!changes.data) return html`<p class="changes wide quiet" role="status">Looking for changes…</p>`;
  const { changes: found, weeks } = changes.data;
  if (!found.length) {
    return html`<p class="changes wide quiet">${weeks
      ? "Nothing unusual, compared with the same weekdays of the weeks before."
      : "What changed is shown when there is a week of events before this time range to compare with."}</p>`;
  }
  return html`<section class=${`changes wide ${found.some((change) => change.worse) ? "bad" : ""}`}>
    <h2 class="hidden">What changed</h2>
    <ul>${found.slice(0, 5).map((change) => html`<li><${Sentence} change=${change} place=${place} /></li>`)}</ul>
  </section>`;
}

function Sentence({ change, place }) {
  const between = { range: undefined, after: String(change.after), before: String(change.before) };
  if (change.measure === "new_error") {
    return html`<span class="badge">new error</span> <a href=${linkTo(place, ["errors", change.fingerprint])}>${change.title}</a>
      ${change.release && ` since release ${change.release}`}`;
  }
  const [name, format, view] = NAMES[change.measure] ?? [change.measure, score, "overview"];
  const filter = [...place.params.getAll("filter"), change.page && `page=${change.page}`].filter(Boolean);
  const path = change.page && view === "pages" ? [view, change.page] : [view];
  return html`<a href=${linkTo(place, path, { ...between, filter })}>${name}${change.page && ` on ${readable(change.page)}`}</a>
    ${" "}${change.value > change.expected ? "rose" : "fell"} to <strong>${format(change.value)}</strong> ${when(change)}, usually ${format(change.expected)}.`;
}

function when({ after, before }) {
  const day = date(after);
  const until = date(before - 1) === day ? hour.format(before) : `${date(before)} ${hour.format(before)}`;
  return `between ${day} ${hour.format(after)} and ${until}`;
}
