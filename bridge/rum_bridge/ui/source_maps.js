/**
 * Leads from the frames of a minified stack to the original code, with the source maps of the release.
 * Few visits of the page need this module, so it is loaded when it is needed.
 */
import { get, pagesOf } from "./api.js";
import { functionAt } from "./function_names.js";
import { FlattenMap, originalPositionFor, sourceContentFor } from "./vendor/trace-mapping.mjs";

const CONTEXT_LINES = 3;
const MAX_LINE = 300;

/**
 * @typedef {object} Original
 * @property {string} name The function. Empty if unknown.
 * @property {string} source The file.
 * @property {number} line From 1.
 * @property {number} column From 1.
 * @property {{number: number, text: string}[]} context Lines around it. Empty if the source map has no code.
 */

/**
 * Find the original of each frame.
 * @param {string} monitor The name of the app monitor.
 * @param {string} release Empty: the source maps that were uploaded last.
 * @param {{function: string, url: string, line: number, column: number}[]} frames
 * @param {AbortSignal} signal
 * @returns {Promise<(Original | undefined)[]>} undefined: no source map has the position.
 */
export async function originalsOf(monitor, release, frames, signal) {
  const maps = new Map();
  for (const url of new Set(frames.filter((frame) => frame.line).map((frame) => frame.url))) {
    const text = await readSourceMap(monitor, release, url, signal);
    maps.set(url, text === undefined ? undefined : parsed(text, url));
  }
  return frames.map((frame) => original(maps.get(frame.url), frame));
}

/** Return the text of the source map of a script, or undefined if there is none. */
async function readSourceMap(monitor, release, url, signal) {
  const parts = [];
  const path = ["insight", monitor, "source-maps", "content"];
  try {
    for await (const page of pagesOf((nextToken) => get(path, { release, url, nextToken }, signal))) parts.push(page.text);
  } catch (error) {
    // 400: the URL is that of a page, or no URL at all.
    if (error.status === 404 || error.status === 400) return undefined;
    throw error;
  }
  return parts.join("");
}

function parsed(text, url) {
  try {
    return new FlattenMap(text);
  } catch {
    throw new Error(`The source map of ${url} cannot be read. Upload it again.`);
  }
}

function original(map, { line, column }) {
  // Columns of stacks begin with 1, those of source maps with 0.
  const found = map && line > 0 && originalPositionFor(map, { line, column: Math.max(0, column - 1) });
  if (!found?.source) return undefined;
  const lines = (sourceContentFor(map, found.source) ?? "").split("\n");
  return {
    // Not that of the frame: minifiers put code into functions that have no name.
    name: functionAt(lines, found.line, found.column),
    source: shortened(found.source),
    line: found.line,
    column: found.column + 1,
    context: contextOf(lines, found.line),
  };
}

/** Remove what the bundler puts in front of a path. */
function shortened(source) {
  return source.replace(/^[a-z-]+:\/\/[^/]*\//, "").replace(/^(?:\.{1,2}\/)+/, "");
}

function contextOf(lines, line) {
  const first = Math.max(1, line - CONTEXT_LINES);
  return lines
    .slice(first - 1, line + CONTEXT_LINES)
    .map((text, index) => ({ number: first + index, text: text.slice(0, MAX_LINE) }));
}
