/** The page: its header, its views, and which view is shown. */
import { useEffect, useErrorBoundary, useMemo, useRef, useState } from "./vendor/hooks.mjs";
import { hasToken, pagesOf, send, watchFreshness } from "./api.js";
import { dateTime, elapsed, readable, timeZone } from "./format.js";
import { Controls, Filters } from "./parts/controls.js";
import { html, plain, render } from "./parts/html.js";
import { useData, useMinutes } from "./parts/load.js";
import { Empty, Failure } from "./parts/states.js";
import { go, linkTo, usePlace } from "./place.js";
import { isOfPage, selectionOf } from "./selection.js";
import { ErrorGroup } from "./views/error_group.js";
import { Errors } from "./views/errors.js";
import { Http } from "./views/http.js";
import { Live } from "./views/live.js";
import { Monitor } from "./views/monitor.js";
import { Monitors } from "./views/monitors.js";
import { Overview } from "./views/overview.js";
import { PageDetails } from "./views/page_details.js";
import { Pages } from "./views/pages.js";
import { Segments } from "./views/segments.js";
import { Session } from "./views/session.js";
import { Sessions } from "./views/sessions.js";

/**
 * @typedef {object} View
 * @property {string} title
 * @property {Function} list The component.
 * @property {Function} [one] The component for a path with an ID.
 * @property {(id: string) => string} [titleOf] The title for a path with an ID.
 * @property {boolean} [selects] Whether it has a time range and filters.
 * @property {boolean} [filters] Whether it has filters, but no time range.
 * @property {boolean} [isWhole] Whether an ID shows everything, whatever is selected.
 * @property {boolean} [follows] Whether the time range moves on. That of lists does not: they would lose the pages that
 *   were added.
 */

/** @type {Record<string, View>} By the first segment of the path. */
const VIEWS = {
  __proto__: null, // "constructor" in a path is no view
  overview: { title: "Overview", list: Overview, selects: true, follows: true },
  pages: { title: "Pages", list: Pages, one: PageDetails, titleOf: readable, selects: true },
  errors: { title: "Errors", list: Errors, one: ErrorGroup, titleOf: () => "Error group", selects: true },
  http: { title: "HTTP", list: Http, selects: true },
  sessions: { title: "Sessions", list: Sessions, one: Session, titleOf: () => "Session", selects: true, isWhole: true },
  segments: { title: "Segments", list: Segments, selects: true },
  live: { title: "Live", list: Live, filters: true },
  monitors: { title: "App monitors", list: Monitors, one: Monitor, titleOf: (id) => id },
};
const LAG_SHOWN_MS = 10_000;

/** Return the view of a place, or undefined. hasMonitor: it shows one app monitor. */
function viewOf({ path: [name, id] }) {
  const view = VIEWS[name];
  if (!view) return undefined;
  const isWhole = view.isWhole && id !== undefined;
  return { ...view, hasMonitor: view.selects || view.filters, selects: view.selects && !isWhole };
}

function App() {
  const place = usePlace();
  const minute = useMinutes();
  const opened = useMemo(Date.now, [place]);
  const monitors = useMonitors(place);
  const view = viewOf(place);
  const chosen = place.params.get("monitor");
  // A token for one app monitor does not allow listing them.
  const isOnlyOne = monitors.error?.isAboutAccess && hasToken() && chosen;
  const names = isOnlyOne ? [chosen] : monitors.data?.map((monitor) => monitor.Name);
  const monitor = chosen || names?.[0] || "";
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Header} place=${place} view=${view} monitor=${monitor} names=${names} />
    <main id="main" tabindex="-1">
      <${Lag} />
      <${Title} place=${place} view=${view} />
      ${monitors.error && !isOnlyOne
        ? html`<${Failure} error=${monitors.error} retry=${monitors.retry} />`
        : html`<${View} place=${place} view=${view} monitor=${monitor} names=${names} monitors=${monitors}
            now=${view?.follows ? Math.max(minute, opened) : opened} />`}
    </main>`;
}

// A real jump to "#main" would change the place.
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

/** The app monitors, read again where the place shows them, and where it names one that was created since. */
function useMonitors({ path, params }) {
  const monitors = useData(listMonitors, "monitors");
  const chosen = params.get("monitor");
  const shown = path[0] === "monitors" && path.join("/");
  useEffect(() => {
    const isOld = shown || (chosen && !monitors.data?.some(({ Name }) => Name === chosen));
    if (isOld && monitors.data && !monitors.loading) monitors.retry();
  }, [shown, chosen]);
  return monitors;
}

async function listMonitors(signal) {
  const summaries = [];
  const load = (nextToken) => send("POST", ["appmonitors"], undefined, { maxResults: 100, nextToken }, signal);
  for await (const page of pagesOf(load)) summaries.push(...(page.AppMonitorSummaries ?? []));
  return summaries;
}

function Header({ place, view, monitor, names }) {
  return html`<header class="top">
    <a class="brand" href=${linkTo(place, ["overview"])}>OpenRUM</a>
    <nav aria-label="Views"><ul>${Object.entries(VIEWS).map(([name, { title }]) => html`<li><a
      href=${linkTo(place, [name])} aria-current=${place.path[0] === name ? "page" : undefined}>${title}</a></li>`)}</ul></nav>
    ${view && names && html`<${Controls} place=${place} view=${view} monitor=${monitor} names=${names} />`}
  </header>`;
}

/** The heading. It takes the focus when the view changes, so that screen readers announce the view. */
function Title({ place, view }) {
  const heading = useRef(null);
  const shown = useRef("");
  const path = place.path.join("/");
  const id = view?.one && place.path[1];
  const title = id === undefined ? (view?.title ?? "Unknown view") : view.titleOf(id);
  useEffect(() => {
    document.title = plain(`${title} · OpenRUM`);
    if (shown.current && shown.current !== path) heading.current.focus();
    shown.current = path;
  }, [path]);
  return html`<div class="headline"><h1 ref=${heading} tabindex="-1">${title}</h1>
    ${view?.hasMonitor && html`<span class="quiet">Times in ${timeZone}</span>`}
    ${(view?.selects || view?.filters) && html`<${Filters} place=${place} isHidden=${view.one === PageDetails && id !== undefined ? isOfPage : undefined} />`}</div>`;
}

function View({ place, view, monitor, names, monitors, now }) {
  const selection = useMemo(
    () => selectionOf(place, monitor, now), [String(place.params), monitor, Math.floor(now / 60_000)],
  );
  if (!view) {
    return html`<${Empty} title="There is no such view."><p><a href="#/overview">Go to the overview.</a></p><//>`;
  }
  if (!names) return html`<p class="quiet" role="status">Loading…</p>`;
  if (!monitor && view.hasMonitor) {
    return html`<${Empty} title="There is no app monitor yet."><p>Events belong to an app monitor.
      <a href="#/monitors"> Create one.</a></p><//>`;
  }
  if (!names.includes(monitor) && !monitors.loading && view.hasMonitor) {
    return html`<${Empty} title=${`There is no app monitor “${monitor}”.`}><p>Choose another one above, or <a
      href="#/monitors">look at all app monitors</a>.</p><//>`;
  }
  const id = place.path[1];
  const Shown = id !== undefined && view.one ? view.one : view.list;
  const key = JSON.stringify([place.path, (view.selects || view.isWhole) && monitor]);
  return html`${view.selects && html`<${Kept} monitor=${monitor} after=${selection.after} />`}
    <${Guarded} key=${key}><${Shown} id=${id} place=${place} selection=${selection} monitor=${monitor} monitors=${monitors}
    onSelect=${(after, before) => go(linkTo(place, place.path, { range: undefined, after: String(after), before: String(before) }))} /><//>`;
}

/** Shows an error of the page itself, instead of nothing. */
function Guarded({ children }) {
  const [error, reset] = useErrorBoundary(console.error);
  return error ? html`<${Failure} error=${{ message: `This view cannot be drawn: ${error.message}` }} retry=${reset} />` : children;
}

/** Says how far the numbers are behind, if it matters. */
function Lag() {
  const [freshness, setFreshness] = useState();
  useEffect(() => watchFreshness(setFreshness), []);
  if (!freshness || (freshness.lagMs <= LAG_SHOWN_MS && !freshness.rebuilding)) return null;
  return html`<p class="banner" role="status">${freshness.rebuilding
    ? `The numbers are being computed again from the log, oldest events first. Those of the last ${elapsed(freshness.lagMs)} are missing for now.`
    : `The numbers are ${elapsed(freshness.lagMs)} behind.`}</p>`;
}

/** Says which events of the time range have been removed, so that their absence does not look like an outage. */
function Kept({ monitor, after }) {
  const [removed, setRemoved] = useState(0);
  useEffect(() => {
    setRemoved(0);
    return watchFreshness((freshness) => setRemoved(freshness.removedBeforeMs ?? 0));
  }, [monitor]);
  if (removed <= after) return null;
  return html`<p class="banner" role="status">Events before ${dateTime(removed)} are not kept.</p>`;
}

render(html`<${App} />`, document.getElementById("app"));
