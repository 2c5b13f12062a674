/** Loading what InsightService says about a selection. */
import { get } from "../api.js";
import { membersOf } from "../selection.js";
import { useData, useList } from "./load.js";

/**
 * Load a response.
 * @param {import("../selection.js").Selection} selection
 * @param {string[]} path What is below the app monitor, such as ["changes"].
 * @param {object} members Those of the request that the selection does not have.
 */
export function useSelected(selection, path, members = {}) {
  return useData((signal) => read(selection, path, members, signal), keyOf(selection, path, members));
}

/** Load pages of a list. `items` names the member of a page with its items. */
export function useSelectedList(selection, path, items, members) {
  const load = async (nextToken, signal) => {
    const page = await read(selection, path, { ...members, nextToken }, signal);
    return { ...page, items: page[items] };
  };
  return useList(load, keyOf(selection, path, members));
}

const read = (selection, path, members, signal) =>
  get(["insight", selection.monitor, ...path], { ...membersOf(selection), ...members }, signal);

const keyOf = (selection, path, members) => JSON.stringify([selection.key, path, members]);
