/** The boxes that a view consists of. */
import { html } from "./html.js";

/** A section with a heading. `note` follows the title in smaller type. */
export function Panel({ title, note, wide, link, children }) {
  return html`<section class=${wide ? "panel wide" : "panel"}>
    <h2>${title}${note && html` <small>${note}</small>`}${link && html`<a class="all" href=${link.href}>${link.text}</a>`}</h2>
    ${children}
  </section>`;
}

/** A number with its name, how it changed, and a link to the view with its causes. */
export function Tile({ name, value, href, children }) {
  return html`<section class="panel tile">
    <h2>${href ? html`<a href=${href}>${name}</a>` : name}</h2>
    <p class="number">${value}</p>
    ${children}
  </section>`;
}

/** Facts as pairs of a name and a value. Pairs without a value are left out. */
export function Facts({ pairs }) {
  return html`<dl class="facts">${pairs
    .filter(([, value]) => value !== "" && value !== undefined)
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
