/** What a panel shows while it has no data: loading, an error with a retry, or what to do next. */
import { keepToken, hasToken } from "../api.js";
import { go, linkHere, readPlace } from "../place.js";
import { Fragment, html } from "./html.js";
import { waitingFor } from "./retries.js";

/** Said beside errors after which the page tries again. */
export const RETRYING = "The page keeps trying by itself.";

/**
 * Show data, or why there is none.
 * @param {{of: import("./load.js").Loaded<any>, missing?: any, children: (data: any) => any}} props missing: what to do
 *   if there is no such thing.
 */
export function Loaded({ of, missing, children }) {
  if (of.error?.status === 404 && missing && !of.error.isAboutMonitor) return html`<${Empty} title=${of.error.message}><p>${missing}</p><//>`;
  if (of.error) return html`<${Failure} error=${of.error} retry=${of.retry} note=${of.retrying && RETRYING} />`;
  const waiting = of.waiting && html`<${Waiting} error=${of.waiting} />`;
  if (of.data === undefined) return waiting || html`<p class="quiet" role="status">Loading…</p>`;
  return html`${waiting}<div class=${of.loading ? "stale" : ""} aria-busy=${of.loading}>${children(of.data)}</div>`;
}

/** Says why there is no data yet, while the request is retried. */
export function Waiting({ error }) {
  return html`<p class="quiet waiting" role="status">${waitingFor(error)}</p>`;
}

/**
 * @param {{error: Error, retry?: () => void, note?: string, inForm?: boolean}} props inForm: another form cannot be inside.
 */
export function Failure({ error, retry, note, inForm }) {
  if (error.isAboutAccess && !inForm) return html`<${TokenForm} error=${error} />`;
  if (error.isAboutMonitor && !inForm) {
    return html`<${Empty} title=${error.message}><p>It may have been deleted. <a href="#/monitors">Look at all app
      monitors.</a></p><//>`;
  }
  return html`<div class="failure" role="alert">
    <p>${error.message}</p>
    ${error.type === "ProjectionUnavailableException" && html`<p>The numbers come from the projector. <code>openrum up</code> runs
      it, and beside <code>openrum service</code> it is a process of its own: <code>openrum projector</code></p>`}
    ${note && html`<p>${note}</p>`}
    ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Ask for a token. The tab keeps it until it is closed. */
export function TokenForm({ error }) {
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    keepToken(form.get("token").trim());
    const monitor = form.get("monitor").trim();
    if (monitor) go(linkHere(readPlace(), { monitor }), { replace: true });
    location.reload();
  };
  return html`<div class=${hasToken() ? "failure" : "empty"}>
    ${hasToken()
      ? html`<div role="alert"><p>${error.message}</p><p>The token of this tab does not allow this.</p></div>`
      : html`<p role="alert"><strong>This server asks for a token.</strong></p>`}
    <p>Create a token on the server and paste it here: <code>openrum tokens create --name page --access read</code></p>
    <form class="stack" onSubmit=${submit}>
      <label>Token <input name="token" type="password" autocomplete="off" required /></label>
      <label>App monitor, if the token is for only one <input name="monitor" autocomplete="off" maxlength="255" /></label>
      <div class="row"><button type="submit" class="primary">Continue</button>
        ${hasToken() && html`<button type="button" onClick=${forget}>Forget the token</button>`}</div>
    </form>
  </div>`;
}

function forget() {
  keepToken("");
  location.reload();
}

/** An empty view. The children say what to do next. */
export function Empty({ title, children }) {
  return html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;
}

export function More({ list }) {
  if (list.moreError) return html`<${Failure} error=${list.moreError} retry=${list.more} />`;
  if (!list.nextToken) return html`<${Fragment} />`;
  return html`<p class="more"><button type="button" disabled=${list.loadingMore} onClick=${list.more}>
    ${list.loadingMore ? "Loading…" : "Show more"}</button></p>`;
}
