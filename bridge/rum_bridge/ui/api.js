/** Calls the REST API of the server that serves this page. Nothing else in the page makes requests. */

const TOKEN_KEY = "openrum.token";
const root = new URL("../", document.baseURI);
const watchers = new Set();

/** An error response of the API, or no response at all. */
export class ApiError extends Error {
  /**
   * @param {number} status 0: no response.
   * @param {string} [resourceType] What does not exist.
   */
  constructor(status, type, message, resourceType) {
    super(message);
    this.status = status;
    this.type = type;
    this.resourceType = resourceType;
  }

  /** Whether the app monitor does not exist, so that a retry is useless. */
  get isAboutMonitor() {
    return this.status === 404 && this.resourceType === "AppMonitor";
  }

  /** Whether another token could help. */
  get isAboutAccess() {
    return this.status === 401 || this.status === 403;
  }
}

/**
 * GET a document.
 * @param {string[]} path Segments of the path, unescaped.
 * @param {Record<string, string | number | boolean | string[] | undefined>} query Members. Empty ones are left out.
 * @param {AbortSignal} [signal]
 */
export async function get(path, query = {}, signal) {
  const document = await call("GET", path, query, undefined, signal);
  if (document.freshness) watchers.forEach((watcher) => watcher(document.freshness));
  return document;
}

/** Call an operation that has a body, or that changes something. */
export const send = (method, path, body, query = {}, signal) => call(method, path, query, body, signal);

/**
 * Yield all pages of a list.
 * @param {(token: string) => Promise<{nextToken?: string, NextToken?: string}>} load Loads the page of a token.
 */
export async function* pagesOf(load) {
  let token = "";
  do {
    const page = await load(token);
    yield page;
    token = page.nextToken ?? page.NextToken;
  } while (token);
}

/** Call `watcher` with the freshness of each response. Returns a function that stops this. */
export function watchFreshness(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** The URL that clients send events to: OPENRUM_PUBLIC_URL, which the server fills in, or the address of this page. */
export const endpoint = () => document.querySelector("meta[name=endpoint]").content || root.href.replace(/\/$/, "");

/** Keep the token for this tab only. */
export function keepToken(token) {
  // A header cannot carry other characters.
  if (token) sessionStorage.setItem(TOKEN_KEY, token.replace(/[^\x21-\x7e]/g, ""));
  else sessionStorage.removeItem(TOKEN_KEY);
}

export const hasToken = () => sessionStorage.getItem(TOKEN_KEY) !== null;

async function call(method, path, query, body, signal) {
  const url = new URL(path.map(encodeURIComponent).join("/"), root);
  for (const [name, value] of Object.entries(query)) {
    for (const item of [value].flat()) {
      if (item !== undefined && item !== "" && item !== false) url.searchParams.append(name, String(item));
    }
  }
  const headers = { Accept: "application/json" };
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      redirect: "error",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "NoResponse", "The server does not respond.");
  }
  const document = await response.json().catch(() => ({}));
  if (response.ok) return document;
  throw new ApiError(
    response.status,
    response.headers.get("x-amzn-ErrorType") ?? "",
    document.message || `The server responded with status ${response.status}.`,
    document.resourceType,
  );
}
