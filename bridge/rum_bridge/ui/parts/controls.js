/** The controls of all views: app monitor, time range, and filters. All of them only change the URL. */
import { useEffect, useMemo, useRef, useState } from "../vendor/hooks.mjs";
import { get } from "../api.js";
import { named } from "../format.js";
import { go, linkHere } from "../place.js";
import { DIMENSIONS, RANGES, membersOf, rangeName, readFilter, selectionOf } from "../selection.js";
import { Fragment, html } from "./html.js";
import { useData } from "./load.js";

export function Controls({ place, view, monitor, names }) {
  const choose = (event) => go(linkHere(place, { monitor: event.target.value }));
  return html`<div class="controls">
    ${view.hasMonitor && names.length > 0 && html`<select aria-label="App monitor" value=${monitor} onChange=${choose}>
      ${[...new Set([...names, monitor])].map((name) => html`<option value=${name}>${name}</option>`)}</select>`}
    ${view.selects && html`<${Range} place=${place} />`}
    ${(view.selects || view.filters) && html`<${AddFilter} place=${place} monitor=${monitor} />`}
  </div>`;
}

function Range({ place }) {
  const name = rangeName(place);
  const [open, setOpen] = useState(false);
  const choose = ({ target: { value } }) => {
    setOpen(value === "custom");
    if (value !== "custom") go(linkHere(place, { range: value, after: undefined, before: undefined }));
  };
  return html`<${Fragment}>
    <select aria-label="Time range" value=${open ? "custom" : name} onChange=${choose}>
      ${Object.entries(RANGES).map(([value, title]) => html`<option value=${value}>${title}</option>`)}
      <option value="custom">Custom…</option>
    </select>
    ${(open || name === "custom") && html`<${CustomRange} place=${place} onDone=${() => setOpen(false)} />`}
  <//>`;
}

function CustomRange({ place, onDone }) {
  // Not those of each minute: the form would lose what somebody is entering.
  const { after, before } = useMemo(() => selectionOf(place, "", Date.now()), [String(place.params)]);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const times = ["after", "before"].map((end) => new Date(form.get(end)).getTime());
    go(linkHere(place, { range: undefined, after: String(Math.min(...times)), before: String(Math.max(...times)) }));
    onDone();
  };
  return html`<form class="row" onSubmit=${submit} key=${`${after}-${before}`}>
    <input type="datetime-local" name="after" aria-label="From" required defaultValue=${local(after)} />
    <input type="datetime-local" name="before" aria-label="To" required defaultValue=${local(before)} />
    <button type="submit">Apply</button>
  </form>`;
}

/** A time as datetime-local inputs write it. */
function local(ms) {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function AddFilter({ place, monitor }) {
  const [dimension, setDimension] = useState("browser");
  const [open, setOpen] = useState(false);
  const popover = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const closeFromOutside = (event) => popover.current.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", closeFromOutside);
    return () => document.removeEventListener("pointerdown", closeFromOutside);
  }, [open]);
  const close = (event) => {
    if (event.key !== "Escape") return;
    event.currentTarget.firstElementChild.focus();
    setOpen(false);
  };
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const added = `${dimension}${form.get("operator")}${form.get("value").trim()}`;
    setOpen(false);
    go(linkHere(place, { filter: [...new Set([...place.params.getAll("filter"), added])] }));
  };
  return html`<details class="popover" ref=${popover} open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}
      onKeyDown=${close}>
    <summary>+ Filter</summary>
    ${open && html`<form onSubmit=${submit}>
      <label>Property <select value=${dimension} onChange=${(event) => setDimension(event.target.value)}>
        ${Object.entries(DIMENSIONS).map(([name, title]) => html`<option value=${name}>${title}</option>`)}</select></label>
      <label>Condition <select name="operator"><option value="=">is</option><option value="!=">is not</option></select></label>
      <label>Value <input name="value" list="filter-values" autocomplete="off" maxlength="280" /></label>
      <${Values} place=${place} monitor=${monitor} dimension=${dimension} />
      <p class="quiet">An empty value stands for unknown.</p>
      <button type="submit" class="primary">Add the filter</button>
    </form>`}
  </details>`;
}

/** Suggests the most frequent values. */
function Values({ place, monitor, dimension }) {
  const found = useData((signal) => {
    const members = { ...membersOf(selectionOf(place, monitor, Date.now())), filter: [] };
    const by = `DIMENSION_${dimension.toUpperCase()}`;
    return get(["insight", monitor, "segments"], { ...members, by, maxResults: 50 }, signal);
  }, dimension);
  return html`<datalist id="filter-values">${(found.data?.segments ?? []).map(({ value }) => html`<option value=${value} />`)}</datalist>`;
}

/**
 * The filters in force, each with a button that removes it.
 * @param {{place: import("../place.js").Place, isHidden: (filter: string) => boolean}} props isHidden: whether the view
 *   replaces a filter by its own.
 */
export function Filters({ place, isHidden = () => false }) {
  const filters = place.params.getAll("filter");
  return html`<span class="filters">${filters.filter((filter) => !isHidden(filter)).map((filter) => {
    const { dimension, operator, value } = readFilter(filter);
    const text = `${DIMENSIONS[dimension] ?? dimension} ${operator === "=" ? "is" : "is not"} ${named(value)}`;
    const remove = () => go(linkHere(place, { filter: filters.filter((other) => other !== filter) }));
    return html`<span class="chip" key=${filter}>${text}<button type="button" aria-label=${`Remove the filter: ${text}`} onClick=${remove}>×</button></span>`;
  })}</span>`;
}
