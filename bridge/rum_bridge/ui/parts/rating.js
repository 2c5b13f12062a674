/** Values of Web Vitals with their ratings: in words and by color, never by color alone. */
import { NOTHING, percent } from "../format.js";
import { VITALS, rate, ratingWord } from "../vitals.js";
import { html } from "./html.js";

/** A percentile in a table. The rating is in its title and, for screen readers, in its text. */
export function Rated({ vital, value }) {
  const rating = rate(vital, value);
  if (!rating) return NOTHING;
  return html`<span class=${`rated ${rating}`} title=${ratingWord(rating)}>${VITALS[vital].format(value)}<span
    class="hidden">, ${ratingWord(rating)}</span></span>`;
}

/** A bar with the shares of good, fair and poor samples. */
export function RatingBar({ distribution }) {
  const { good, needsImprovement, poor, samples } = distribution;
  const parts = [["good", good], ["fair", needsImprovement], ["poor", poor]];
  if (!samples) return html`<p class="quiet">No samples</p>`;
  let start = 0;
  return html`<svg class="bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">${parts.map(([rating, number]) => {
      const x = start;
      start += (100 * number) / samples;
      return html`<rect x=${x} width=${(100 * number) / samples} height="2" class=${rating} />`;
    })}</svg>
    <p class="quiet shares">${parts.map(([rating, number]) => html`<span>${percent(number / samples)} ${ratingWord(rating)}</span> `)}</p>`;
}
