/** Reads the measures of a selection, with those of the time range that it is compared with. */
import { get } from "./api.js";

const MINUTE = 60_000;
const STEPS = [1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 10_080].map((minutes) => minutes * MINUTE);
/** With fewer page views in a step, a chart shows chance rather than change. */
const FEW = 20;
const COARSE_STEPS = 30;

/**
 * @returns the response of GetOverview. The compared time range is left out if it has no events, or if the projection is
 *   being rebuilt: then the selection lacks events.
 */
export async function getOverview(monitor, members, signal) {
  const path = ["insight", monitor, "overview"];
  const shown = { ...members, distribution: ["lcp", "inp", "cls"] };
  let overview = await get(path, shown, signal);
  const stepMs = coarserStep(overview, members);
  if (stepMs) overview = await get(path, { ...shown, stepMs }, signal);
  if (overview.comparedTotal?.counts.events && !overview.freshness?.rebuilding) return overview;
  const { comparedTotal, comparedSeries, ...rest } = overview;
  return rest;
}

/** Return a longer step for a selection with few page views, or 0. */
function coarserStep({ total, series }, { after, before }) {
  const views = total.counts.pageViews;
  if (!views || views >= FEW * series.pageViews.length) return 0;
  const wanted = STEPS.find((step) => step >= (before - after) / COARSE_STEPS) ?? STEPS.at(-1);
  return wanted > series.stepMs ? wanted : 0;
}
