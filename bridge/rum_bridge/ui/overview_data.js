/** Reads the measures of a selection, with those of the time range that it is compared with. */
import { get } from "./api.js";

/** @returns the response of GetOverview. A compared time range without events is left out: there is nothing to say. */
export async function getOverview(monitor, members, signal) {
  const overview = await get(["insight", monitor, "overview"], members, signal);
  if (overview.comparedTotal?.counts.events) return overview;
  const { comparedTotal, comparedSeries, ...rest } = overview;
  return rest;
}
