/** How a number changed since the time range that it is compared with. In a table, the heading names that range. */
import { percent } from "../format.js";
import { html } from "./html.js";

/**
 * @param {{now?: number, then?: number, comparedTo?: string, good?: "up" | "down", isChance?: boolean}} props
 *   good: the direction that is good for users. Without it, a change is neither good nor bad.
 *   isChance: whether chance explains the difference. Then it is neither good nor bad. Without it, the numbers are counts.
 */
export function Change({ now, then, comparedTo, good, isChance = isChanceOfCounts(now, then) }) {
  if (then === undefined || now === undefined) return null;
  const verdictOf = (direction) => (!good || isChance ? "" : direction === good ? "better" : "worse");
  if (!then && now) return html`<p class="quiet"><span class=${verdictOf("up")}>${comparedTo ? `0 ${comparedTo}` : "from 0"}</span></p>`;
  const share = then ? (now - then) / then : 0;
  const direction = Math.abs(share) < 0.005 ? "same" : share > 0 ? "up" : "down";
  if (direction === "same") return html`<p class="quiet">${comparedTo ? `same as ${comparedTo}` : "same"}</p>`;
  return html`<p class="quiet"><span class=${verdictOf(direction)}><span aria-hidden="true">${direction === "up" ? "▲" : "▼"}</span><span
    class="hidden">${direction}</span> ${percent(Math.abs(share))}</span>${comparedTo && ` vs ${comparedTo}`}</p>`;
}

// The difference of two counts has a standard deviation of the root of their sum.
const isChanceOfCounts = (now, then) => Math.abs(now - then) <= 2 * Math.sqrt(now + then);

/** Whether chance explains the difference between the Apdex of two responses. A navigation counts as 1, 1/2 or 0. */
export function isChanceOfApdex(now, then) {
  return Math.abs(now.apdex - then.apdex) <= 2 * Math.sqrt(varianceOfApdex(now) + varianceOfApdex(then));
}

function varianceOfApdex(counts) {
  // One more of each extreme: a few equal navigations do not mean that all are equal.
  const [satisfied, frustrated] = [counts.navigationsSatisfied + 1, counts.navigationsFrustrated + 1];
  const all = satisfied + counts.navigationsTolerated + frustrated;
  const mean = (satisfied + counts.navigationsTolerated / 2) / all;
  return ((satisfied + counts.navigationsTolerated / 4) / all - mean ** 2) / all;
}
