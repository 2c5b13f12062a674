/** A button that asks before it deletes. */
import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { html } from "./html.js";

/**
 * @param {{what: string, text?: string, label?: string, remove: () => Promise<void>}} props what: names what is deleted, for
 *   screen readers. text: the text of the button.
 */
export function Remove({ what, text = "Delete", label = `${text} ${what}`, remove }) {
  const [asked, setAsked] = useState();
  const button = useRef(null);
  // The button that had the focus is replaced.
  useEffect(() => asked !== undefined && button.current.focus(), [asked]);
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    await remove();
    setBusy(false);
    setAsked(false);
  };
  if (!asked) return html`<button type="button" ref=${button} aria-label=${label} onClick=${() => setAsked(true)}>${text}</button>`;
  return html`<span class="row"><button type="button" class="danger" ref=${button} disabled=${busy} onClick=${confirm} aria-label=${`Really delete ${what}`}>Really
    delete</button><button type="button" disabled=${busy} onClick=${() => setAsked(false)}>Keep</button></span>`;
}
