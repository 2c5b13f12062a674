/** Where the page is: the view and everything that it is limited to, kept in the part of the URL after "#". */
import { useEffect, useState } from "./vendor/hooks.mjs";

/** Parameters that links to other views keep. */
const KEPT = ["monitor", "range", "after", "before", "filter"];

/**
 * @typedef {object} Place
 * @property {string[]} path The view, and for some views an ID.
 * @property {URLSearchParams} params
 */

/** @returns {Place} */
export function readPlace(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const segments = path.split("/").filter(Boolean).map(decode);
  return { path: segments.length ? segments : ["overview"], params: new URLSearchParams(query) };
}

/**
 * Return a link.
 * @param {Place} from The place whose app monitor, time range and filters are kept.
 * @param {string[]} path
 * @param {Record<string, string | string[] | undefined>} changes Parameters to set. undefined removes one.
 */
export function linkTo(from, path, changes = {}) {
  const params = new URLSearchParams([...from.params].filter(([name]) => KEPT.includes(name)));
  return format(path, change(params, changes));
}

/** Return a link to the same view with other parameters. */
export function linkHere(from, changes) {
  return format(from.path, change(new URLSearchParams(from.params), changes));
}

/** Go to a link. The history keeps the present place, unless `replace` is set. */
export function go(link, { replace = false } = {}) {
  if (replace) location.replace(link);
  else location.hash = link;
}

/** Follow the place. */
export function usePlace() {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const follow = () => setPlace(readPlace());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return place;
}

function change(params, changes) {
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const item of [value].flat()) if (item) params.append(name, item);
  }
  return params;
}

function format(path, params) {
  const query = String(params);
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
