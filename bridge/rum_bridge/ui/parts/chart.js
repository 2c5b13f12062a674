/** Line charts over time, drawn by uPlot, each with its numbers as a table. Dragging selects a time range. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import uPlot from "../vendor/uPlot.esm.js";
import { NOTHING, dateTime } from "../format.js";
import { axes, bandPainter, isolated, palette, useColorScheme } from "./chart_style.js";
import { html } from "./html.js";
import { Table } from "./table.js";

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {number[]} values -1: no value.
 * @property {string} color A CSS variable without its dashes.
 * @property {boolean} [compared] Whether it is an earlier time range, drawn dashed.
 */

/**
 * @param {{title: string, firstMs: number, stepMs: number, lines: Line[], format: (value: number) => string, whole?: boolean,
 *   vital?: {good: number, poor: number}, onSelect?: (after: number, before: number) => void}} props
 */
export function Chart(props) {
  const box = useRef(null);
  const readout = useRef(null);
  const dark = useColorScheme();
  const { title, firstMs, stepMs, lines } = props;
  const key = JSON.stringify([firstMs, stepMs, lines, dark]);
  useEffect(() => {
    const element = box.current;
    const plot = new uPlot(options(props, element, readout.current), dataOf(props), element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: plot.height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [key]);
  return html`<figure class="chart">
    <div ref=${box} role="img" aria-label=${`${title}: chart. Its numbers are in the table below.`}></div>
    <figcaption><span class="legend">${lines.map((line) => html`<span><i class=${line.compared ? "dash" : ""}
        data-color=${line.color}></i>${line.name}</span>`)}</span><span class="readout" ref=${readout}></span></figcaption>
    <${Numbers} ...${props} />
  </figure>`;
}

/** The same numbers for those who cannot see or point at the chart. Built when it is opened. */
function Numbers({ title, firstMs, stepMs, lines, format }) {
  const [open, setOpen] = useState(false);
  const length = lines[0].values.length;
  const columns = [
    { title: "Time", cell: (at) => dateTime(firstMs + at * stepMs) },
    ...lines.map((line) => ({ title: line.name, number: true, cell: (at) => shown(line.values[at], format) })),
  ];
  return html`<details class="numbers" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>Show as a table<span class="hidden">: ${title}</span></summary>
    ${open && html`<${Table} caption=${`${title} over time`} columns=${columns} rows=${Array.from({ length }, (_, at) => at)} />`}
  </details>`;
}

const shown = (value, format) => (value === undefined || value < 0 ? NOTHING : format(value));

function dataOf({ firstMs, stepMs, lines }) {
  const times = lines[0].values.map((_, at) => (firstMs + at * stepMs) / 1000);
  return [times, ...lines.map((line) => times.map((_, at) => (line.values[at] >= 0 ? line.values[at] : null)))];
}

function options({ lines, format, whole, vital, onSelect }, element, readout) {
  const colors = palette(element);
  return {
    width: element.clientWidth || 300,
    height: 150,
    legend: { show: false },
    cursor: { y: false, sync: { key: "time" }, drag: { x: Boolean(onSelect), y: false, setScale: false } },
    // Without values, the thresholds still show.
    scales: { y: { range: (_, __, top) => [0, top > 0 ? top * 1.08 : vital ? vital.poor * 1.25 : 1] } },
    axes: axes(colors, format, whole),
    series: [{}, ...lines.map((line) => ({
      stroke: line.compared ? colors.compared : colors[line.color],
      width: line.compared ? 1 : 1.5,
      dash: line.compared ? [4, 3] : undefined,
      points: { size: 4, filter: isolated, fill: line.compared ? colors.compared : colors[line.color] },
    }))],
    hooks: {
      drawClear: vital ? [bandPainter(vital, colors)] : [],
      setCursor: [(plot) => { readout.textContent = textAt(plot, lines, format); }],
      setSelect: [(plot) => onSelect && select(plot, onSelect)],
    },
  };
}

function textAt(plot, lines, format) {
  const at = plot.cursor.idx;
  if (at === null || at === undefined) return "";
  const values = lines.map((line) => `${line.name} ${shown(line.values[at], format)}`);
  return `${dateTime(plot.data[0][at] * 1000)} · ${values.join(" · ")}`;
}

function select(plot, onSelect) {
  const { left, width } = plot.select;
  if (width < 4) return;
  const [after, before] = [left, left + width].map((x) => Math.round(plot.posToVal(x, "x")) * 1000);
  onSelect(after, before);
}
