/** A small bar chart in a table cell. Its numbers are in its title. */
import { count } from "../format.js";
import { html } from "./html.js";

/** @param {{values: number[], label: string, summed?: boolean}} props summed: whether the sum of the values means something. */
export function Spark({ values, label, summed = true }) {
  const top = Math.max(0, ...values);
  const total = values.reduce((sum, value) => sum + value, 0);
  const text = `${label}: ${summed ? `${count(total)} in all, ` : ""}at most ${count(top)} in one of ${values.length} parts`;
  return html`<svg class="spark" viewBox=${`0 0 ${values.length * 4} 20`} role="img" aria-label=${text}><title>${text}</title>
    ${values.map((value, at) => value > 0 && html`<rect x=${at * 4} y=${20 - (18 * value) / top - 1} width="3" height=${(18 * value) / top + 1} />`)}</svg>`;
}
