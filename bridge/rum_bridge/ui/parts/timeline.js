/** Events one below the other, each with its document on request. Pauses are shown. */
import { useState } from "../vendor/hooks.mjs";
import { date, duration, indented, readable, time } from "../format.js";
import { html } from "./html.js";

const PAUSE_MS = 30_000;
const PREFIX = "com.amazon.rum.";

/** @param {{events: any[], sessionLink?: (id: string) => string, pauses?: boolean, dates?: boolean}} props dates: shows those before today. */
export function Timeline({ events, sessionLink, pauses = true, dates = false }) {
  return html`<ol class="timeline">${events.map((event, at) => {
    const pause = at > 0 ? event.timestampMs - events[at - 1].timestampMs : 0;
    return [
      pauses && pause >= PAUSE_MS && html`<li class="gap" key=${`gap ${keyOf(event)}`}>${duration(pause)} without events</li>`,
      html`<${Event} key=${keyOf(event)} event=${event} sessionLink=${sessionLink} dates=${dates} />`,
    ];
  })}</ol>`;
}

const isToday = (ms) => new Date(ms).toDateString() === new Date().toDateString();

// The document has the ID of the event.
const keyOf = (event) => event.document || `${event.timestampMs} ${event.type} ${event.summary}`;

function Event({ event, sessionLink, dates }) {
  const [open, setOpen] = useState(false);
  const { timestampMs, type, summary, page, rating, document, sessionId } = event;
  return html`<li class=${rating}>
    <time dateTime=${new Date(timestampMs).toISOString()}>${time(timestampMs)}${dates && !isToday(timestampMs) && html` <small>${date(timestampMs)}</small>`}</time>
    <span class="mono">${type.startsWith(PREFIX) ? type.slice(PREFIX.length).replace(/_event$/, "") : type}</span>
    <span class="what">${readable(summary)}${rating === "failed" && html` <span class="badge">failed</span>`}${page && page !== summary && html` <small>${readable(page)}</small>`}</span>
    ${sessionLink && sessionId && html`<a class="of" href=${sessionLink(sessionId)}>Session</a>`}
    ${document && html`<details onToggle=${(toggle) => setOpen(toggle.currentTarget.open)}><summary>Document</summary>${
      open && html`<pre tabindex="0">${indented(document)}</pre>`}</details>`}
  </li>`;
}
