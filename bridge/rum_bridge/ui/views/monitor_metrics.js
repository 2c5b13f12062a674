/** The extended and custom metrics of an app monitor. */
import { useState } from "../vendor/hooks.mjs";
import { get, pagesOf, send } from "../api.js";
import { NOTHING } from "../format.js";
import { useAction } from "../parts/action.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { Remove } from "../parts/remove.js";
import { Spark } from "../parts/spark.js";
import { Failure, Loaded } from "../parts/states.js";
import { Table } from "../parts/table.js";

const DESTINATION = "CloudWatch";
const HOUR = 3_600_000;

export function Metrics({ name }) {
  const found = useData((signal) => read(name, signal), name);
  return html`<${Panel} wide=${true} title="Custom metrics" note="counted or measured for each new event that matches">
    <${Loaded} of=${found}>${(metrics) => html`
      ${metrics.length > 0 && html`<${List} name=${name} metrics=${metrics} changed=${found.retry} />`}
      <${Create} name=${name} changed=${found.retry} />`}<//>
  <//>`;
}

async function read(name, signal) {
  const metrics = [];
  const load = (nextToken) =>
    get(["rummetrics", name, "metrics"], { destination: DESTINATION, maxResults: 100, nextToken }, signal);
  try {
    for await (const page of pagesOf(load)) metrics.push(...page.MetricDefinitions);
  } catch (error) {
    // No destination yet: the first metric creates it.
    if (error.type !== "ResourceNotFoundException") throw error;
  }
  return metrics;
}

function List({ name, metrics, changed }) {
  const [error, setError] = useState();
  const remove = async (id) => {
    const members = { destination: DESTINATION, metricDefinitionIds: [id] };
    await send("DELETE", ["rummetrics", name, "metrics"], undefined, members).then(changed, setError);
  };
  const columns = [
    { title: "Name", cell: (metric) => metric.Name },
    { title: "Namespace", cell: (metric) => metric.Namespace ?? "AWS/RUM" },
    { title: "Value", cell: (metric) => html`<span class="mono">${metric.ValueKey ?? "count"}</span>` },
    { title: "Events", cell: (metric) => html`<span class="mono">${metric.EventPattern ?? "all"}</span>` },
    { title: "Last 24 hours", cell: (metric) => html`<${Recent} name=${name} metric=${metric} />` },
    { title: "Actions", untitled: true, cell: (metric) => html`<${Remove} what=${metric.Name} remove=${() => remove(metric.MetricDefinitionId)} />` },
  ];
  return html`${error && html`<${Failure} error=${error} />`}
    <${Table} caption="Custom metrics" columns=${columns} rows=${metrics} keyOf=${(metric) => metric.MetricDefinitionId} />`;
}

/** The values of the last day by hour: the average of what is measured, or the number of what is counted. */
function Recent({ name, metric }) {
  const found = useData((signal) => {
    const before = Math.ceil(Date.now() / HOUR) * HOUR;
    const members = {
      metricName: metric.Name, namespace: metric.Namespace, statistic: metric.ValueKey ? "Average" : "Sum",
      periodSeconds: HOUR / 1000, after: before - 24 * HOUR, before,
    };
    return get(["insight", name, "metric"], members, signal).then((data) => ({ ...data, start: members.after }));
  }, metric.MetricDefinitionId);
  if (!found.data) return html`<span class="quiet">${found.error ? NOTHING : "Loading…"}</span>`;
  const { timestamps, values, start } = found.data;
  if (!values.length) return html`<span class="quiet">no value</span>`;
  const hours = Array(24).fill(0);
  timestamps.forEach((time, at) => { hours[(time - start) / HOUR] = values[at]; });
  return html`<${Spark} values=${hours} label=${metric.Name} summed=${!metric.ValueKey} />`;
}

function Create({ name, changed }) {
  const { run, busy, error } = useAction();
  const create = async (form) => {
    const member = (key) => form.get(key).trim() || undefined;
    const definition = { Name: member("name"), Namespace: member("namespace"), ValueKey: member("value"), EventPattern: member("pattern") };
    await send("POST", ["rummetrics", name, "metricsdestination"], { Destination: DESTINATION });
    const result = await send("POST", ["rummetrics", name, "metrics"], { Destination: DESTINATION, MetricDefinitions: [definition] });
    const [failed] = result.Errors;
    if (failed) throw new Error(failed.ErrorMessage);
  };
  const submit = (event) => {
    event.preventDefault();
    const form = event.target;
    run(async () => {
      await create(new FormData(form));
      form.reset();
      changed();
    });
  };
  return html`<form class="stack" onSubmit=${submit}>
    <h3>Add a metric</h3>
    <label>Name <input name="name" required maxlength="255" placeholder="CheckoutDuration" /></label>
    <label>Namespace <input name="namespace" required maxlength="237" placeholder="Shop" /></label>
    <label>Value: a number in the event; empty to count events <input name="value" maxlength="280" placeholder="event_details.duration" /></label>
    <label>Event pattern, as JSON <textarea name="pattern" rows="3" spellcheck=${false} placeholder='{"event_type":["shop.checkout"]}'></textarea></label>
    ${error && html`<${Failure} error=${error} inForm=${true} />`}
    <div><button type="submit" disabled=${busy}>Add</button></div>
  </form>`;
}
