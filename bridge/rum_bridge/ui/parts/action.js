/** What a form or a button does: one action at a time, whether it has succeeded, and why it failed. */
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
