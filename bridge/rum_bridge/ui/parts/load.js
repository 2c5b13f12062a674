/** Loading data for a view: aborted when the view changes, and kept on the screen while it is loaded again. */
import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { retried } from "./retries.js";

/**
 * @template T
 * @typedef {object} Loaded
 * @property {T | undefined} data
 * @property {import("../api.js").ApiError | undefined} error
 * @property {boolean} loading
 * @property {import("../api.js").ApiError | undefined} waiting The temporary error after which the request is retried. It is
 *   not shown yet.
 * @property {boolean | undefined} retrying Whether the request is retried although the error is shown.
 * @property {() => void} retry
 */

/**
 * Load data, again whenever `key` changes, and while an error is temporary.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {string} key
 * @returns {Loaded<T>}
 */
export function useData(load, key) {
  const [state, setState] = useState({ loading: true });
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    setState((before) => ({ ...before, error: undefined, waiting: undefined, loading: true }));
    const wait = (error, isLate) => setState((before) => (isLate ? { error, loading: false, retrying: true } : { ...before, waiting: error }));
    retried(latest.current, signal, wait).then(
      (data) => signal.aborted || setState({ data, loading: false }),
      (error) => signal.aborted || setState({ error, loading: false }),
    );
    return () => controller.abort();
  }, [key, attempt]);
  const retry = useCallback(() => setAttempt((number) => number + 1), []);
  return { ...state, retry };
}

/**
 * Load pages of a list. `more` loads the next page and adds its items. `retry` begins again with the first page.
 * @param {(token: string, signal: AbortSignal) => Promise<{items: any[], nextToken: string}>} load
 * @param {string} key
 */
export function useList(load, key) {
  const first = useData(async (signal) => ({ key, ...(await load("", signal)) }), key);
  const [later, setLater] = useState({ key, items: [] });
  const controller = useRef(null);
  useEffect(() => () => controller.current?.abort(), [key]);
  const mine = later.key === key ? later : { key, items: [] };
  const nextToken = mine.items.length || mine.loading ? mine.nextToken : first.data?.nextToken;
  const more = async () => {
    controller.current = new AbortController();
    const { signal } = controller.current;
    const stopWhenLate = (error, isLate) => {
      if (isLate) throw error;
    };
    setLater({ ...mine, nextToken, error: undefined, loading: true });
    try {
      const page = await retried(() => load(nextToken, signal), signal, stopWhenLate);
      if (!signal.aborted) setLater({ key, items: [...mine.items, ...page.items], nextToken: page.nextToken });
    } catch (error) {
      if (!signal.aborted) setLater({ ...mine, nextToken, error });
    }
  };
  const retry = () => {
    controller.current?.abort();
    setLater({ key, items: [] });
    first.retry();
  };
  const items = first.data && [...first.data.items, ...mine.items];
  return { ...first, retry, items, nextToken, more, loadingMore: mine.loading ?? false, moreError: mine.error };
}

/** Return the time, renewed each minute while the page is visible. */
export function useMinutes() {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const renew = () => document.hidden || setNow(Date.now());
    const timer = setInterval(renew, 60_000);
    document.addEventListener("visibilitychange", renew);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", renew);
    };
  }, []);
  return now;
}
