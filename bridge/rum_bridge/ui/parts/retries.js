/** Retries of requests that fail only for a moment: the projector starts after the bridge, and a busy server rejects some. */

/** How long a view says only that it waits. Then it shows the error, too. */
export const PATIENCE_MS = 5_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8_000;

/** Whether the same request can succeed soon. @param {import("../api.js").ApiError} error */
export const isTemporary = (error) => error.status === 429 || error.type === "ProjectionUnavailableException";

/** Say what a view waits for. */
export const waitingFor = (error) =>
  error.status === 429 ? "The server is busy. Trying again…" : "Waiting for the projector to start…";

/**
 * Load data, again while the error is temporary. The pauses between two attempts grow.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {AbortSignal} signal
 * @param {(error: import("../api.js").ApiError, isLate: boolean) => void} onWait Called with each error after which the
 *   request is retried, and whether that has lasted longer than PATIENCE_MS.
 * @returns {Promise<T>}
 */
export async function retried(load, signal, onWait) {
  const patientUntil = Date.now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs)) {
    try {
      return await load(signal);
    } catch (error) {
      if (signal.aborted || !isTemporary(error)) throw error;
      onWait(error, Date.now() >= patientUntil);
    }
    // Random, so that the panels of a view do not send all their requests at once.
    await new Promise((resume) => setTimeout(resume, pauseMs * (1 + Math.random() / 2)));
    signal.throwIfAborted();
  }
}
