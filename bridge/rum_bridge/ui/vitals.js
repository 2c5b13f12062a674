/** Web Vitals: names, thresholds and ratings. Source: https://web.dev/articles/vitals */
import { duration, shift } from "./format.js";

/** Values up to `good` are good, and values above `poor` are poor. */
export const VITALS = {
  lcp: { title: "Largest Contentful Paint", short: "LCP", good: 2500, poor: 4000, format: duration },
  inp: { title: "Interaction to Next Paint", short: "INP", good: 200, poor: 500, format: duration },
  cls: { title: "Cumulative Layout Shift", short: "CLS", good: 0.1, poor: 0.25, format: shift },
  fcp: { title: "First Contentful Paint", short: "FCP", good: 1800, poor: 3000, format: duration },
  ttfb: { title: "Time to First Byte", short: "TTFB", good: 800, poor: 1800, format: duration },
  fid: { title: "First Input Delay", short: "FID", good: 100, poor: 300, format: duration },
};

const WORDS = { good: "good", fair: "needs improvement", poor: "poor" };

/** Return "good", "fair", "poor", or "" without a value. */
export function rate(vital, value) {
  if (typeof value !== "number" || value < 0) return "";
  const { good, poor } = VITALS[vital];
  if (value <= good) return "good";
  return value <= poor ? "fair" : "poor";
}

export const ratingWord = (rating) => WORDS[rating] ?? "";
