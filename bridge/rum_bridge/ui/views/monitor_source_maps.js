/** The source maps of an app monitor, by release: how large they are and since when they are there. */
import { useState } from "../vendor/hooks.mjs";
import { get, send } from "../api.js";
import { bytes, count, dateTime, named } from "../format.js";
import { html } from "../parts/html.js";
import { useList } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { Remove } from "../parts/remove.js";
import { Failure, Loaded, More } from "../parts/states.js";
import { Table } from "../parts/table.js";

const PAGE = 200;
/** A release with many scripts should be complete, so several pages are read at once. */
const READ_AT_ONCE = 2000;

export function SourceMaps({ name }) {
  const list = useList((nextToken, signal) => read(name, nextToken, signal), name);
  return html`<${Panel} wide=${true} title="Source maps" note="they lead from minified stacks to the original code">
    <${Loaded} of=${list}>${({ storedBytes, quota }) => html`
      ${list.items.length > 0 && html`<p class="quiet">${bytes(storedBytes)}${quota > 0 && ` of ${bytes(quota)}`} used in the
        database, newest release first</p>`}
      ${byRelease(list.items).map(([release, maps]) => html`<${Release} key=${release} name=${name} release=${release} maps=${maps}
        changed=${list.retry} />`)}
      <${More} list=${list} />
      <p>${list.items.length === 0 && "There are none yet. "}Upload those of each release where you build it:</p>
      <pre tabindex="0">openrum sourcemaps upload ${name} --release RELEASE dist</pre>`}<//>
  <//>`;
}

async function read(name, token, signal) {
  const items = [];
  let nextToken = token;
  let page;
  do {
    page = await get(["insight", name, "source-maps"], { maxResults: PAGE, nextToken }, signal);
    items.push(...page.sourceMaps);
    nextToken = page.nextToken;
  } while (nextToken && items.length < READ_AT_ONCE);
  return { items, nextToken, storedBytes: page.storedBytes, quota: page.quota };
}

/** Return pairs of a release and its source maps, in the order of the newest source map. */
function byRelease(maps) {
  const found = new Map();
  for (const map of maps) found.set(map.release, [...(found.get(map.release) ?? []), map]);
  return [...found];
}

function Release({ name, release, maps, changed }) {
  const [error, setError] = useState();
  const remove = (file) => send("DELETE", ["insight", name, "source-maps"], undefined, { release, file }).then(changed, setError);
  const columns = [
    { title: "Script", cell: (map) => html`<span class="mono">${map.file}</span>` },
    { title: "Size", number: true, cell: (map) => bytes(map.size) },
    { title: "In the database", number: true, cell: (map) => bytes(map.storedBytes) },
    { title: "Uploaded", number: true, cell: (map) => dateTime(map.uploadedMs) },
    { title: "Actions", untitled: true, cell: (map) => html`<${Remove} what=${`the source map of ${map.file}`} remove=${() => remove(map.file)} />` },
  ];
  const size = maps.reduce((sum, map) => sum + map.size, 0);
  const scripts = `${count(maps.length)} ${maps.length === 1 ? "script" : "scripts"}`;
  const text = `${scripts}, ${bytes(size)}, uploaded ${dateTime(maps[0].uploadedMs)}`;
  return html`<details class="release">
    <summary><strong>${named(release)}</strong> <span class="quiet">${text}</span></summary>
    ${error && html`<${Failure} error=${error} inForm=${true} />`}
    <${Table} caption=${`Source maps of release ${named(release)}`} columns=${columns} rows=${maps} keyOf=${(map) => map.file} />
    <${Remove} what=${`source maps of release ${release}`} text="Delete all" remove=${() => remove("")} />
  </details>`;
}
