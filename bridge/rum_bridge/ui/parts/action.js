/** Runs the action of a form or a button, and says whether it is in progress, has succeeded or has failed. */
import { useState } from "../vendor/hooks.mjs";

/**
 * @returns {{run: (action: () => Promise<void>) => Promise<void>, reset: () => void, busy?: boolean, done?: boolean,
 *   error?: Error}} run: calls an action. busy: it has not ended. done: it has succeeded since the last `reset`.
 */
export function useAction() {
  const [state, setState] = useState({});
  const run = async (action) => {
    setState({ busy: true });
    try {
      await action();
      setState({ done: true });
    } catch (error) {
      setState({ error });
    }
  };
  return { ...state, run, reset: () => setState({}) };
}
