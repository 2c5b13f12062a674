/** How charts look: colors from the style sheet, axes, the bands of Web Vitals, and lone points. */
import { useEffect, useState } from "../vendor/hooks.mjs";
import { HOUR } from "../format.js";

const NAMES = ["text", "quiet", "line", "blue", "amber", "red", "violet", "good-band", "fair-band", "poor-band", "compared"];
const darkScheme = matchMedia("(prefers-color-scheme: dark)");

/** Follow the color scheme, because a canvas does not. */
export function useColorScheme() {
  const [dark, setDark] = useState(darkScheme.matches);
  useEffect(() => {
    const follow = (event) => setDark(event.matches);
    darkScheme.addEventListener("change", follow);
    return () => darkScheme.removeEventListener("change", follow);
  }, []);
  return dark;
}

/** Return the colors of the style sheet by name. */
export function palette(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The distances of whole numbers on an axis. */
const WHOLE = [1, 2, 3, 5, ...Array.from({ length: 11 }, (_, power) => [10, 20, 25, 50].map((step) => step * 10 ** power)).flat()];

/** @param {boolean} whole Whether the values are whole numbers. Then those of the axis are, too. */
export function axes(colors, format, whole) {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return [
    { stroke: colors.quiet, font, grid: { show: false }, ticks: { stroke: colors.line, width: 1, size: 4 }, values: times, space: 64, size: 30 },
    { stroke: colors.quiet, font, grid: { stroke: colors.line, width: 1 }, ticks: { show: false }, size: widthOf, space: 30,
      incrs: whole ? WHOLE : undefined, values: (_, splits) => splits.map(format) },
  ];
}

const hour = new Intl.DateTimeFormat(undefined, { hour: HOUR, minute: "2-digit" });
const dayOf = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

// A day at midnight, else the time.
function times(_, splits, __, ___, incrementS) {
  return splits.map((second) => {
    const at = new Date(second * 1000);
    const midnight = at.getHours() === 0 && at.getMinutes() === 0;
    return (incrementS >= 86_400 || midnight ? dayOf : hour).format(at);
  });
}

function widthOf(_, values) {
  return 14 + 7 * Math.max(3, ...(values ?? []).map((value) => value.length));
}

/** Paint what is good, fair and poor behind the lines. */
export function bandPainter({ good, poor }, colors) {
  return (plot) => {
    const { ctx, bbox } = plot;
    const y = (value) => Math.min(Math.max(plot.valToPos(value, "y", true), bbox.top), bbox.top + bbox.height);
    const edges = [bbox.top + bbox.height, y(good), y(poor), bbox.top];
    ["good-band", "fair-band", "poor-band"].forEach((name, at) => {
      ctx.fillStyle = colors[name];
      ctx.fillRect(bbox.left, edges[at + 1], bbox.width, edges[at] - edges[at + 1]);
    });
  };
}

/** Return the values without neighbors: no line would show them. */
export function isolated(plot, series, show) {
  if (show) return null;
  const values = plot.data[series];
  return values.flatMap((value, at) => (value !== null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}
