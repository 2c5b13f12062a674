/** Tables of rows with typed columns. On a phone they scroll sideways in their own box. */
import { go, linkHere } from "../place.js";
import { html } from "./html.js";

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => any} cell
 * @property {boolean} [untitled] Shows the title to screen readers only.
 * @property {boolean} [number] Aligns the column to the right.
 * @property {boolean} [roomy] Is not shown on a phone.
 * @property {boolean} [grow] Takes the width that the other columns leave, and cuts its text there.
 * @property {string} [order] The value of the parameter "order" that sorts by this column.
 * @property {string} [direction] "ascending" if that order starts with the lowest value.
 */

/**
 * @param {{caption: string, columns: Column[], rows: any[], keyOf?: (row: any) => string,
 *   place?: import("../place.js").Place, defaultOrder?: string}} props
 */
export function Table({ caption, columns, rows, keyOf, place, defaultOrder }) {
  const order = (place && orderOf(place)) || defaultOrder;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class="hidden">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<${Head} column=${column} order=${order} place=${place} />`)}</tr></thead>
      <tbody>${rows.map((row, index) => html`<tr key=${keyOf ? keyOf(row) : index}>
        ${columns.map((column, at) => cellOf(column, row, at))}</tr>`)}</tbody>
    </table>
  </div>`;
}

function Head({ column, order, place }) {
  const name = classOf(column, column.number ? "number" : "");
  if (!column.order || !place) {
    return html`<th scope="col" class=${name}><span class=${column.untitled && "hidden"}>${column.title}</span></th>`;
  }
  const sorted = column.order === order;
  const direction = sorted ? (column.direction ?? "descending") : undefined;
  const sort = () => go(linkHere(place, { order: column.order }), { replace: true });
  return html`<th scope="col" class=${name} aria-sort=${direction}>
    <button type="button" class="sort" onClick=${sort}>${column.title}${sorted && html`<span aria-hidden="true"> ${
      direction === "ascending" ? "▲" : "▼"}</span>`}</button></th>`;
}

/** The order that the URL names. Empty: that of the server. */
export const orderOf = (place) => place.params.get("order") ?? "";

const classOf = (column, name) => (column.roomy ? `${name} roomy` : name);

// The first cell names the row.
function cellOf(column, row, at) {
  const name = classOf(column, column.number ? "number" : column.grow ? "grow" : "text");
  const content = column.grow ? html`<div>${column.cell(row)}</div>` : column.cell(row);
  return at === 0
    ? html`<th scope="row" class=${name}>${content}</th>`
    : html`<td class=${name}>${content}</td>`;
}
