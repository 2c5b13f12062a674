/** Retries of requests that fail only for a moment: the projector starts after the bridge, and a busy server rejects some. */

/** How long a view waits before it shows such an error. */
export const PATIENCE_MS = 15_000;
const PAUSE_MS = 1000;

/** Whether the same request can succeed soon. @param {import("../api.js").ApiError} error */
export const isTemporary = (error) => error.status === 429 || error.type === "ProjectionUnavailableException";

/** Say what a view waits for. */
export const waitingFor = (error) =>
  error.status === 429 ? "The server is busy. Trying again…" : "Waiting for the projector to start…";

/**
 * Load data, again while the error is temporary.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {AbortSignal} signal
 * @param {(error: import("../api.js").ApiError) => void} [onWait] Called with each error after which the request is retried.
 * @returns {Promise<T>}
 */
export async function retried(load, signal, onWait = () => {}) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await load(signal);
    } catch (error) {
      if (signal.aborted || !isTemporary(error) || Date.now() >= deadline) throw error;
      onWait(error);
    }
    // Random, so that the panels of a view do not send all their requests at once.
    await new Promise((resume) => setTimeout(resume, PAUSE_MS * (1 + Math.random())));
    signal.throwIfAborted();
  }
}
