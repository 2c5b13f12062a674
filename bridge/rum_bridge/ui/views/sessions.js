/** Sessions, latest first. */
import { count, dateTime, elapsed, named, readable } from "../format.js";
import { html } from "../parts/html.js";
import { NoData } from "../parts/no_data.js";
import { Panel } from "../parts/panel.js";
import { useSelectedList } from "../parts/selected.js";
import { Loaded, More } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { go, linkHere, linkTo } from "../place.js";

export const sessionColumns = (place) => [
  { title: "Last event", cell: (session) => html`<a class="nowrap" href=${linkTo(place, ["sessions", session.sessionId])}>${dateTime(session.lastMs)}</a>${
    session.hasReplay && html` <span class="badge calm">replay</span>`}` },
  { title: "Length", number: true, roomy: true, cell: (session) => elapsed(session.lastMs - session.firstMs) },
  { title: "Page views", number: true, roomy: true, cell: (session) => count(session.pageViews) },
  { title: "Errors", number: true, cell: ({ jsErrors }) => failures(jsErrors) },
  { title: "Failed requests", number: true, cell: ({ httpFailures }) => failures(httpFailures) },
  { title: "First page", cell: (session) => html`<span class="one-line" title=${readable(session.entryPage)}>${named(session.entryPage)}</span>` },
  { title: "Browser", cell: (session) => html`<span class="one-line" title=${session.browser}>${named(session.browser)}</span>` },
  { title: "OS", cell: (session) => html`<span class="one-line" title=${session.os}>${named(session.os)}</span>` },
  { title: "Device", cell: (session) => html`<span class="one-line" title=${session.device}>${named(session.device)}</span>` },
  { title: "Country", cell: (session) => named(session.country) },
  { title: "Release", cell: (session) => html`<span class="one-line" title=${session.release}>${named(session.release)}</span>` },
];

const failures = (number) => (number ? html`<span class="rated poor">${count(number)}</span>` : "0");

export function Sessions({ place, selection }) {
  const { params } = place;
  const wanted = {
    userId: params.get("user") ?? "",
    fingerprint: params.get("error") ?? "",
    failed: params.has("failed"),
    hasReplay: params.has("replay"),
    httpTarget: params.get("request") ?? "",
    httpResult: params.get("result") ?? "",
  };
  const list = useSelectedList(selection, ["sessions"], "sessions", wanted);
  return html`<${Wanted} place=${place} />
    <${Loaded} of=${list}>${() => list.items.length
      ? html`<${Panel} wide=${true} title="Sessions" note="latest first">
          <${Table} caption="Sessions" columns=${sessionColumns(place)} rows=${list.items} keyOf=${(session) => session.sessionId} />
          <${More} list=${list} />
        <//>`
      : html`<${NoData} title="No such sessions in this time range." place=${place} monitor=${selection.monitor} />`}<//>`;
}

const RESULTS = { failed: "that failed", "4xx": "with a 4xx", "5xx": "with a 5xx", no_response: "without a response" };

/** Limits the list. Each control changes the URL. */
function Wanted({ place }) {
  const { params } = place;
  const box = (name, text) => html`<label class="check"><input type="checkbox" checked=${params.has(name)}
    onChange=${(event) => go(linkHere(place, { [name]: event.target.checked ? "1" : undefined }))} /> ${text}</label>`;
  const chip = (name, text) => params.has(name) && html`<span class="chip">${text}<button type="button"
    aria-label=${`Remove the limit to one ${name}`} onClick=${() => go(linkHere(place, { [name]: undefined }))}>×</button></span>`;
  const submit = (event) => {
    event.preventDefault();
    go(linkHere(place, { user: new FormData(event.target).get("user").trim() || undefined }));
  };
  return html`<div class="row below-headline">
    ${box("failed", "With an error or a failed request")}
    ${box("replay", "With a replay")}
    <form class="row" onSubmit=${submit} key=${params.get("user")}>
      <label>User ID <input name="user" defaultValue=${params.get("user") ?? ""} maxlength="300" /></label>
      <button type="submit">Find</button>
    </form>
    <label>With a request <select value=${params.get("result") ?? ""} onChange=${(event) => go(linkHere(place, { result: event.target.value }))}>
      <option value="">with any result, or none</option>
      ${Object.entries(RESULTS).map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></label>
    ${chip("error", "With one error")}
    ${chip("request", `Request ${readable(params.get("request") ?? "")}`)}
  </div>`;
}
