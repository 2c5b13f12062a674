/** How a number changed since the time range that it is compared with. In a table, the heading names that range. */
import { percent } from "../format.js";
import { html } from "./html.js";

/**
 * @param {{now?: number, then?: number, comparedTo?: string, good?: "up" | "down", counted?: boolean}} props
 *   good: the direction that is good for users. Without it, a change is neither good nor bad.
 *   counted: whether the numbers are counts. A difference of counts that chance explains is neither good nor bad.
 */
export function Change({ now, then, comparedTo, good, counted = true }) {
  if (then === undefined || now === undefined) return null;
  const verdictOf = (direction) => (!good || (counted && isChance(now, then)) ? "" : direction === good ? "better" : "worse");
  if (!then && now) return html`<p class="quiet"><span class=${verdictOf("up")}>${comparedTo ? `0 ${comparedTo}` : "from 0"}</span></p>`;
  const share = then ? (now - then) / then : 0;
  const direction = Math.abs(share) < 0.005 ? "same" : share > 0 ? "up" : "down";
  if (direction === "same") return html`<p class="quiet">${comparedTo ? `same as ${comparedTo}` : "same"}</p>`;
  return html`<p class="quiet"><span class=${verdictOf(direction)}><span aria-hidden="true">${direction === "up" ? "▲" : "▼"}</span><span
    class="hidden">${direction}</span> ${percent(Math.abs(share))}</span>${comparedTo && ` vs ${comparedTo}`}</p>`;
}

// The difference of two counts has a standard deviation of the root of their sum.
const isChance = (now, then) => Math.abs(now - then) <= 2 * Math.sqrt(now + then);
