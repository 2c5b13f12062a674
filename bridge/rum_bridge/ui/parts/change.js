/** How a number changed since the time range that it is compared with. In a table, the heading names that range. */
import { percent } from "../format.js";
import { html } from "./html.js";

/**
 * @param {{now?: number, then?: number, comparedTo?: string, good?: "up" | "down"}} props
 *   good: the direction that is good for users. Without it, a change is neither good nor bad.
 */
export function Change({ now, then, comparedTo, good }) {
  if (then === undefined || now === undefined) return null;
  if (!then && now) return html`<p class="quiet">none ${comparedTo}</p>`;
  const share = then ? (now - then) / then : 0;
  const direction = Math.abs(share) < 0.005 ? "same" : share > 0 ? "up" : "down";
  if (direction === "same") return html`<p class="quiet">${comparedTo ? `as ${comparedTo}` : "same"}</p>`;
  const verdict = !good ? "" : direction === good ? "better" : "worse";
  return html`<p class="quiet"><span class=${verdict}><span aria-hidden="true">${direction === "up" ? "▲" : "▼"}</span><span
    class="hidden">${direction}</span> ${percent(Math.abs(share))}</span>${comparedTo && ` vs ${comparedTo}`}</p>`;
}
