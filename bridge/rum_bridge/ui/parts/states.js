/** What a panel shows while it has no data: loading, an error with a retry, or what to do next. */
import { keepToken, hasToken } from "../api.js";
import { Fragment, html } from "./html.js";

/**
 * Show data, or why there is none.
 * @param {{of: import("./load.js").Loaded<any>, children: (data: any) => any}} props
 */
export function Loaded({ of, children }) {
  if (of.error) return html`<${Failure} error=${of.error} retry=${of.retry} />`;
  if (of.data === undefined) return html`<p class="quiet" role="status">Loading…</p>`;
  return html`<div class=${of.loading ? "stale" : ""} aria-busy=${of.loading}>${children(of.data)}</div>`;
}

export function Failure({ error, retry }) {
  if (error.isAboutAccess) return html`<${TokenForm} error=${error} />`;
  return html`<div class="failure" role="alert">
    <p>${error.message}</p>
    ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Ask for a token. The tab keeps it until it is closed. */
export function TokenForm({ error }) {
  const submit = (event) => {
    event.preventDefault();
    keepToken(new FormData(event.target).get("token").trim());
    location.reload();
  };
  return html`<form class="failure" role="alert" onSubmit=${submit}>
    <p>${error.message}</p>
    <p>${hasToken() ? "The token of this tab does not allow this." : "This server asks for a token."} Create one on the
      server and paste it here: <code>openrum tokens create --name page --access read</code></p>
    <label>Token <input name="token" type="password" autocomplete="off" required /></label>
    <button type="submit">Continue</button>
    ${hasToken() && html`<button type="button" onClick=${() => (keepToken(""), location.reload())}>Forget it</button>`}
  </form>`;
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
