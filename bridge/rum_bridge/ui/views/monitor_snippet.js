/** The code that a page needs to send events here. */
import { useState } from "../vendor/hooks.mjs";
import { endpoint, hasToken } from "../api.js";
import { percent } from "../format.js";
import { html } from "../parts/html.js";
import { Panel } from "../parts/panel.js";
import { allowsEveryone } from "./monitor_policy.js";

const DEFAULT_TELEMETRIES = ["performance", "errors", "http"];

export function Snippet({ monitor, policy }) {
  const [how, setHow] = useState("npm");
  const [copied, setCopied] = useState(false);
  const text = (how === "npm" ? npm : tag)(monitor);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  const choice = (value, title) => html`<button type="button" aria-pressed=${how === value}
    onClick=${() => { setHow(value); setCopied(false); }}>${title}</button>`;
  return html`<${Panel} wide=${true} title="Connect a page" note="with aws-rum-web">
    <div class="row">${choice("npm", "npm")} ${choice("tag", "Script tag")}
      ${navigator.clipboard && html`<button type="button" onClick=${copy}>${copied ? "Copied" : "Copy"}</button>`}</div>
    <pre tabindex="0">${text}</pre>
    ${hasToken() && (policy.data || policy.error) && html`<p>This server authorizes callers, and pages send without a signature. ${
      policy.data && allowsEveryone(policy.data)
        ? html`They can send: the resource policy below allows everyone to call <code>rum:PutRumEvents</code>.`
        : html`They can send only if the resource policy below allows everyone to call <code>rum:PutRumEvents</code>.`}</p>`}
  <//>`;
}

function config(monitor) {
  const { AllowCookies = true, SessionSampleRate = 1, Telemetries = [], EnableXRay = false } = monitor.AppMonitorConfiguration ?? {};
  const telemetries = Telemetries.length ? Telemetries : DEFAULT_TELEMETRIES;
  return [
    `endpoint: ${JSON.stringify(endpoint())},`,
    "signing: false,",
    `allowCookies: ${AllowCookies},`,
    `sessionSampleRate: ${SessionSampleRate},${SessionSampleRate < 1 ? ` // records ${percent(SessionSampleRate)} of the sessions` : ""}`,
    `telemetries: ${JSON.stringify(telemetries)},`,
    EnableXRay && "enableXRay: true, // measures the latency of requests",
    'releaseId: "1.0.0", // of your application',
  ].filter(Boolean);
}

const npm = (monitor) => `// npm install aws-rum-web
import { AwsRum } from "aws-rum-web";

new AwsRum("${monitor.Id}", "1.0.0", "us-east-1", {
    ${config(monitor).join("\n    ")}
});`;

const tag = (monitor) => `<!-- npm install aws-rum-web esbuild
npx esbuild node_modules/aws-rum-web/dist/es/index-browser.js --bundle --minify --outfile=cwr.js -->
<script>
window.AwsRumClient = {
    q: [], n: "cwr", i: "${monitor.Id}", v: "1.0.0", r: "us-east-1",
    c: {
        ${config(monitor).join("\n        ")}
    },
};
window.cwr = (command, payload) => AwsRumClient.q.push({ c: command, p: payload });
</script>
<script async src="/cwr.js"></script>`;
