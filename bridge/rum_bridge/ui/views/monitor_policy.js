/** The resource policy of an app monitor: who may send events. */
import { useState } from "../vendor/hooks.mjs";
import { get, send } from "../api.js";
import { indented } from "../format.js";
import { useAction } from "../parts/action.js";
import { html } from "../parts/html.js";
import { useData } from "../parts/load.js";
import { Panel } from "../parts/panel.js";
import { Remove } from "../parts/remove.js";
import { Failure, Loaded } from "../parts/states.js";

/** Load the policy of an app monitor: {} if it has none. */
export const usePolicy = (name) => useData((signal) => read(name, signal), name);

/** Whether a policy certainly allows everyone: no Deny, no condition, every app monitor. Its only action is rum:PutRumEvents. */
export function allowsEveryone({ PolicyDocument }) {
  if (!PolicyDocument) return false;
  const statements = [JSON.parse(PolicyDocument).Statement].flat();
  const has = (element, value) => [element].flat().includes(value);
  return statements.every(({ Effect }) => Effect === "Allow") && statements.some(({ Principal, Resource, Condition }) =>
    !Condition && has(Resource, "*") && (Principal === "*" || has(Principal.AWS, "*")));
}

export function Policy({ name, found }) {
  return html`<${Panel} wide=${true} title="Resource policy" note="who may send events">
    <${Loaded} of=${found}>${(policy) => html`<${Editor} key=${policy.PolicyRevisionId} name=${name} policy=${policy} changed=${found.retry} />`}<//>
  <//>`;
}

async function read(name, signal) {
  try {
    return await get(["appmonitor", name, "policy"], {}, signal);
  } catch (error) {
    if (error.type === "PolicyNotFoundException") return {};
    throw error;
  }
}

function Editor({ name, policy, changed }) {
  const [text, setText] = useState(policy.PolicyDocument ? indented(policy.PolicyDocument) : "");
  const { run, busy, done, error } = useAction();
  // When the policy is saved, the next editor has its revision.
  const isSaving = busy || done;
  // The revision, so that a change that somebody else made meanwhile is not lost.
  const revision = { PolicyRevisionId: policy.PolicyRevisionId };
  const save = (event) => {
    event.preventDefault();
    run(() => send("PUT", ["appmonitor", name, "policy"], { PolicyDocument: text, ...revision }).then(changed));
  };
  const members = { policyRevisionId: policy.PolicyRevisionId };
  const remove = () => run(() => send("DELETE", ["appmonitor", name, "policy"], undefined, members).then(changed));
  return html`<form class="stack" onSubmit=${save}>
    ${!policy.PolicyDocument && html`<p class="quiet">There is no policy. If this server authorizes callers, only those with a
      signature or a token may send events.</p>`}
    <label>Policy, as JSON <textarea rows="9" value=${text} spellcheck=${false} required
      onInput=${(event) => setText(event.target.value)}></textarea></label>
    ${error && html`<${Failure} error=${error} inForm=${true} />`}
    <div class="row"><button type="submit" class="primary" disabled=${isSaving}>Save</button>
      <button type="button" onClick=${() => setText(EVERYONE)}>Insert: everyone may send</button>
      ${policy.PolicyDocument && html`<${Remove} what="the policy" text="Delete the policy" label="Delete the policy" remove=${remove} />`}</div>
  </form>`;
}

const EVERYONE = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: "*", Action: "rum:PutRumEvents", Resource: "*" }],
}, null, 2);
