/** What a view shows if its selection has nothing: what to do next. */
import { linkHere, linkTo } from "../place.js";
import { html } from "./html.js";
import { Empty } from "./states.js";

/** Parameters that limit the sessions that are listed. */
const LIMITS = ["user", "error", "failed", "replay", "request", "result"];
const LONGEST = "30d";

/** @param {{title: string, place: import("../place.js").Place, monitor: string, children?: any}} props children: items. */
export function NoData({ title, place, monitor, children }) {
  const { params } = place;
  const limits = ["filter", ...LIMITS].filter((name) => params.has(name));
  const without = Object.fromEntries(limits.map((name) => [name, undefined]));
  return html`<${Empty} title=${title}>
    <ul>
      ${limits.length > 0 && html`<li><a href=${linkHere(place, without)}>Remove the filters.</a></li>`}
      ${params.get("range") !== LONGEST && html`<li><a href=${linkHere(place, { range: LONGEST, after: undefined, before: undefined })}>Look
        at the last 30 days.</a></li>`}
      ${children}
      <li><a href=${linkTo(place, ["monitors", monitor])}>Connect a page: copy the snippet of the app monitor.</a></li>
    </ul><//>`;
}
