/** The time range and filters of a place, as members of requests. */

const MINUTE = 60_000;
const DAY = 86_400_000;
const WEEK = 7 * DAY;

export const RANGES = { "1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days" };
/** Without a prototype: the URL may name anything, such as "constructor". */
const LENGTHS = { __proto__: null, "1h": 60 * MINUTE, "24h": DAY, "7d": WEEK, "30d": 30 * DAY };

/** Names of the dimensions in filters, and their titles. */
export const DIMENSIONS = {
  __proto__: null, page: "Page", browser: "Browser", os: "OS", device: "Device", country: "Country", release: "Release",
};

/**
 * @typedef {object} Selection
 * @property {string} monitor
 * @property {number} after
 * @property {number} before
 * @property {string[]} filter
 * @property {number} compareAfter The start of the time range to compare with: the same weekdays.
 * @property {string} comparedTo How to call that range, such as "last Mon" or "a week before".
 * @property {string} key Differs if the selection differs.
 */

/**
 * @param {import("./place.js").Place} place
 * @param {string} monitor
 * @param {number} now
 * @returns {Selection}
 */
export function selectionOf(place, monitor, now) {
  const { after, before } = rangeOf(place, now);
  const filter = place.params.getAll("filter");
  const shift = Math.max(1, Math.ceil((before - after) / WEEK)) * WEEK;
  return {
    monitor,
    after,
    before,
    filter,
    compareAfter: after - shift,
    comparedTo: comparedTo(after, before, shift),
    key: JSON.stringify([monitor, after, before, filter]),
  };
}

/** The members of a request for this selection. */
export const membersOf = ({ after, before, filter }) => ({ after, before, filter });

/** The name of the range in the URL. "custom" has the parameters after and before. */
export function rangeName(place) {
  const { params } = place;
  if (Number(params.get("after")) && Number(params.get("before"))) return "custom";
  return params.get("range") in LENGTHS ? params.get("range") : "24h";
}

function rangeOf(place, now) {
  const name = rangeName(place);
  if (name === "custom") {
    const [after, before] = ["after", "before"].map((end) => Number(place.params.get(end)));
    return { after, before: Math.max(before, after + MINUTE) };
  }
  const before = Math.floor(now / MINUTE) * MINUTE + MINUTE;
  return { after: before - LENGTHS[name], before };
}

function comparedTo(after, before, shift) {
  if (shift > WEEK) return `${shift / WEEK} weeks before`;
  const isOneDay = new Date(after).toDateString() === new Date(before - 1).toDateString();
  if (!isOneDay) return "a week before";
  return `last ${new Intl.DateTimeFormat(undefined, { weekday: "short" }).format(after - shift)}`;
}

/** Whether a filter selects a page. The view of one page replaces it: it shows the page in its path. */
export const isOfPage = (filter) => filter.startsWith("page=");

/** The filters of a place that do not select a page. */
export const withoutPage = (place) => place.params.getAll("filter").filter((filter) => !isOfPage(filter));

/** The filters of a place, for this page. */
export const withPage = (place, page) => [...withoutPage(place), `page=${page}`];

/** Split a condition such as "browser!=Chrome". */
export function readFilter(text) {
  const [, dimension, operator, value] = /^([a-z]+)(!?=)(.*)$/s.exec(text) ?? [null, text, "=", ""];
  return { dimension, operator, value };
}
