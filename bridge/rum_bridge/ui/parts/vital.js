/** A Web Vital: its 75th percentile, the shares of its ratings, and its trend. */
import { VITALS, rate, ratingWord } from "../vitals.js";
import { Chart } from "./chart.js";
import { html } from "./html.js";
import { RatingBar } from "./rating.js";

export function VitalPanel({ vital, data, comparedTo, onSelect, link }) {
  const { title, format } = VITALS[vital];
  const distribution = data.total[vital];
  const rating = rate(vital, distribution.p75);
  const compared = data.comparedTotal?.[vital];
  const { firstMs, stepMs } = data.series;
  const lines = [{ name: "p75", values: data.series[`${vital}P75`], color: "text" }];
  if (data.comparedSeries) lines.push({ name: comparedTo, values: data.comparedSeries[`${vital}P75`], color: "compared", compared: true });
  return html`<section class="panel vital">
    <h2>${title} <small>p75</small>${link && html`<a class="all" href=${link.href}>${link.text}</a>`}</h2>
    <p class="number">${format(distribution.p75)} <span class=${`rated ${rating}`}>${ratingWord(rating)}</span></p>
    <p class="quiet">p90 ${format(distribution.p90)}${compared && ` · ${comparedTo} ${format(compared.p75)}`}</p>
    <${RatingBar} distribution=${distribution} />
    <${Chart} title=${title} firstMs=${firstMs} stepMs=${stepMs} lines=${lines} format=${format}
      vital=${VITALS[vital]} onSelect=${onSelect} />
  </section>`;
}
