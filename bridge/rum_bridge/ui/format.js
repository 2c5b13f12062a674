/** Numbers and times as text, in the language and time zone of the browser. */

const plain = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 2 });
const wholePercents = new Intl.NumberFormat(undefined, { style: "percent" });
const { hour12 } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
/** How hours are written: 6 AM, or 06. */
export const HOUR = hour12 ? "numeric" : "2-digit";
const clock = new Intl.DateTimeFormat(undefined, { hour: HOUR, minute: "2-digit", second: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", hour: HOUR, minute: "2-digit",
});
const pastMoment = new Intl.DateTimeFormat(undefined, {
  year: "numeric", day: "numeric", month: "short", hour: HOUR, minute: "2-digit",
});
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

export const timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
export const NOTHING = "–";

export const count = (value) => plain.format(value);
export const shortCount = (value) => (value < 100_000 ? plain.format(value) : compact.format(value));
export const percent = (share) => (share >= 1 ? wholePercents : percents).format(share);
export const time = (ms) => clock.format(ms);
/** With the weekday, or with the year if it is not this one. */
export const dateTime = (ms) => (ms ? (isThisYear(ms) ? moment : pastMoment).format(ms) : NOTHING);
export const date = (ms) => day.format(ms);

/** A share of a whole that may be 0. */
export const ratio = (part, whole) => (whole ? percent(part / whole) : NOTHING);

/** A long duration in whole seconds, such as "34 s". */
export const elapsed = (ms) => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(ms));

/** A duration, such as "160 ms" or "2.81 s". */
export function duration(ms) {
  if (!isNumber(ms)) return NOTHING;
  if (ms < 1000) return `${plain.format(Math.round(ms))} ms`;
  if (ms < 60_000) return `${fixed(ms / 1000, ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return parts([minutes, "min"], [Math.floor((ms % 60_000) / 1000), "s"]);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return parts([hours, "h"], [minutes % 60, "min"]);
  return parts([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

export const shift = (value) => (isNumber(value) ? fixed(value, 3) : NOTHING);
export const score = (value) => (isNumber(value) ? fixed(value, 2) : NOTHING);

/** A number of bytes, such as "48 kB". */
export function bytes(value) {
  if (value < 1000) return `${plain.format(value)} B`;
  if (value < 1e6) return `${fixed(value / 1e3, value < 1e4 ? 1 : 0)} kB`;
  if (value < 1e9) return `${fixed(value / 1e6, 1)} MB`;
  return `${fixed(value / 1e9, 2)} GB`;
}

/** How long ago, such as "3 hours ago". */
export function ago(ms, now = Date.now()) {
  const units = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]];
  const [unit, length] = units.find(([, size]) => now - ms >= size) ?? units[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(-Math.floor((now - ms) / length), unit);
}

/** JSON with line breaks, or the text itself if it is not JSON. */
export function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A name of a dimension's value. */
export const named = (value) => readable(value) || "unknown";

/** A path or a text with paths as people read it: its letters outside ASCII are not percent-encoded. */
export const readable = (text) => text.replace(/(?:%[89A-F][0-9A-F])+/gi, decoded);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const parts = (...pairs) => pairs.filter(([value]) => value).map(([value, unit]) => `${value} ${unit}`).join(" ");

const isThisYear = (ms) => new Date(ms).getFullYear() === new Date().getFullYear();

const isNumber = (value) => typeof value === "number" && value >= 0;

function fixed(value, digits) {
  return new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}
