/** One group of errors: the stack, whom it affects, and sessions to look at. */
import { count, dateTime, named } from "../format.js";
import { Frames } from "../parts/frames.js";
import { html } from "../parts/html.js";
import { Facts, Panel } from "../parts/panel.js";
import { useSelected } from "../parts/selected.js";
import { Spark } from "../parts/spark.js";
import { Loaded } from "../parts/states.js";
import { Table } from "../parts/table.js";
import { linkTo } from "../place.js";
import { DIMENSIONS } from "../selection.js";
import { sessionColumns } from "./sessions.js";

export function ErrorGroup({ id, place, selection }) {
  const { monitor } = selection;
  const found = useSelected(selection, ["errors", id]);
  return html`<p class="headline"><a href=${linkTo(place, ["errors"])}>All errors</a></p>
    <${Loaded} of=${found} missing="Choose a longer time range, or remove filters.">${(data) => html`<div class="grid">
      <${About} data=${data} place=${place} id=${id} />
      <${Stack} data=${data} monitor=${monitor} />
      ${Object.entries(DIMENSIONS).map(([name, title]) => html`<${Shares} name=${name} title=${title} data=${data} />`)}
      <${Panel} wide=${true} title="Affected sessions" note="latest first" link=${{ href: linkTo(place, ["sessions"], { error: id }), text: "All of them" }}>
        <${Table} caption="Affected sessions" rows=${data.sampleSessions} columns=${sessionColumns(place)} keyOf=${(session) => session.sessionId} />
      <//>
    </div>`}<//>`;
}

function About({ data }) {
  const { group } = data;
  return html`<section class="panel wide">
    <h2>${group.isNew && html`<span class="badge">new</span> `}${group.title}</h2>
    <p class="quiet mono">${group.location}</p>
    <${Facts} pairs=${[
      ["Errors", count(group.events)],
      ["Sessions", count(group.sessions)],
      ["Users", count(group.users)],
      ["First seen", dateTime(group.firstSeen)],
      ["First release", named(group.firstRelease)],
      ["Last seen", dateTime(group.lastSeen)],
      ["Trend", html`<${Spark} values=${group.trend} label="Errors" />`],
    ]} />
  </section>`;
}

function Stack({ data, monitor }) {
  const note = `the latest error${data.release && `, release ${data.release}`}`;
  const { frames, release } = data;
  return html`<${Panel} wide=${true} title="Stack" note=${note}>
    <p>${data.message}</p>
    ${frames.length > 0 && html`<${Frames} key=${data.stack} monitor=${monitor} release=${release} frames=${frames} />`}
    ${data.stack
      ? html`<details open=${frames.length === 0}><summary class="quiet">As the browser wrote it</summary><pre tabindex="0">${data.stack}</pre></details>`
      : html`<p class="quiet">The browser reported no stack.</p>`}
  <//>`;
}

function Shares({ name, title, data }) {
  const rows = data.shares.filter((share) => share.dimension === `DIMENSION_${name.toUpperCase()}`);
  const columns = [
    { title, cell: (share) => named(share.value) },
    { title: "Errors", number: true, cell: (share) => count(share.events) },
    { title: "Sessions", number: true, cell: (share) => count(share.sessions) },
  ];
  return rows.length > 0 && html`<${Panel} title=${`By ${title === "OS" ? title : title.toLowerCase()}`}>
    <${Table} caption=${`Errors by ${title}`} rows=${rows} columns=${columns} /><//>`;
}
