/** One session: what happened, in the order of time, and its replay. */
import { get } from "../api.js";
import { count, dateTime, elapsed, named } from "../format.js";
import { html } from "../parts/html.js";
import { useList } from "../parts/load.js";
import { Facts, Panel } from "../parts/panel.js";
import { Loaded, More } from "../parts/states.js";
import { Timeline } from "../parts/timeline.js";
import { go, linkHere, linkTo } from "../place.js";
import { Dropped, Replay } from "./replay.js";

const RESOURCE = "com.amazon.rum.performance_resource_event";

export function Session({ id, place, monitor }) {
  const load = async (nextToken, signal) => {
    const page = await get(["insight", monitor, "sessions", id], { nextToken }, signal);
    return { items: page.events, nextToken: page.nextToken, session: page.session, dropped: page.droppedEvents };
  };
  const list = useList(load, id);
  return html`<p class="headline"><a href=${linkTo(place, ["sessions"])}>All sessions</a>
      <a href=${linkTo(place, ["live"], { session: id, filter: undefined })}>Follow it live</a> <span class="mono quiet">${id}</span></p>
    <${Loaded} of=${list} missing="Events are removed when their retention ends, and when their user is erased.">${({ session, dropped }) => html`<div class="grid">
      <${About} session=${session} place=${place} />
      ${session.hasReplay && html`<${Replay} id=${id} monitor=${monitor} events=${list.items} dropped=${dropped} />`}
      ${!session.hasReplay && dropped > 0 && html`<${Panel} wide=${true} title="Replay"><p>There is no replay. <${Dropped} number=${dropped} /></p><//>`}
      <${Panel} wide=${true} title="Events" note="oldest first">
        <${Events} events=${list.items} place=${place} />
        <${More} list=${list} />
      <//>
    </div>`}<//>`;
}

/** The events. Resources, which are most of them, are hidden unless the URL says otherwise. */
function Events({ events, place }) {
  const withAll = place.params.has("resources");
  const others = events.filter((event) => event.type !== RESOURCE);
  const hidden = events.length - others.length;
  const toggle = (event) => go(linkHere(place, { resources: event.target.checked ? "1" : undefined }), { replace: true });
  return html`${hidden > 0 && html`<label class="check"><input type="checkbox" checked=${withAll} onChange=${toggle} />
      With resources (${count(hidden)})</label>`}
    <${Timeline} events=${withAll ? events : others} />`;
}

function About({ session, place }) {
  const user = session.userId && html`<a class="mono" href=${linkTo(place, ["sessions"], { user: session.userId, filter: undefined })}>${session.userId}</a>`;
  return html`<${Panel} wide=${true} title="Details">
    <${Facts} pairs=${[
      ["Began", dateTime(session.firstMs)],
      ["Length", elapsed(session.lastMs - session.firstMs)],
      ["User", user || "unknown"],
      ["First page", named(session.entryPage)],
      ["Page views", count(session.pageViews)],
      ["JavaScript errors", count(session.jsErrors)],
      ["Failed requests", count(session.httpFailures)],
      ["Events", count(session.events)],
      ["Browser", named(session.browser)],
      ["OS", named(session.os)],
      ["Device", named(session.device)],
      ["Country", named(session.country)],
      ["Release", named(session.release)],
    ]} />
  <//>`;
}
