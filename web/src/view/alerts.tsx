import { useSignal, type Signal } from "@preact/signals";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { FEATURES, isRetracted, proofRows, ringText, ruleText, sideOf, type Alert, type Draft, type Fire } from "../core/alerts.ts";
import { changeText, priceText } from "../core/words.ts";
import type { App } from "../shell/app.ts";

const OPS: [value: string, text: string][] = [
  ["", "reaches"], [">=", "≥ at or above"], ["<=", "≤ at or below"], ["cross_up", "rises across"], ["cross_down", "falls across"], ["cross", "crosses"],
];
const RINGS_SHOWN = 20;

/** What has rung and was not dismissed: said at once, with its proof. */
export function RingBar({ app: { alerts } }: { app: App }): VNode {
  const open = alerts.rings.value.filter((fire) => alerts.isOpen(fire));
  return (
    <>
      <Voice spoken={alerts.spoken} />
      {open.length > 0 && (
        <section id="ringing" aria-label="Alerts that have rung">
          {open.slice(0, 3).map((fire, place) => (
            <Ring key={fire.event_id} fire={fire} isNewest={place === 0} onDismiss={() => alerts.dismiss(fire)} />
          ))}
          {open.length > 3 && <p>And {open.length - 3} more, below.</p>}
        </section>
      )}
    </>
  );
}

/** By itself, so that it is touched only when there is something to say. */
function Voice({ spoken }: { spoken: Signal<string> }): VNode {
  return <p class="unseen" role="alert">{spoken.value}</p>;
}

function Ring({ fire, isNewest, onDismiss }: { fire: Fire; isNewest: boolean; onDismiss: () => void }): VNode {
  return (
    <article class={isRetracted(fire) ? "ring withdrawn" : "ring"}>
      <p class="bar">
        <strong>{ringText(fire, Date.now())}</strong>
        <button onClick={onDismiss} aria-label={`Dismiss the alert of ${fire.symbol}`}>Dismiss</button>
      </p>
      <details open={isNewest}>
        <summary>Proof</summary>
        <Proof fire={fire} />
      </details>
    </article>
  );
}

/** The ticks that made it ring. */
function Proof({ fire }: { fire: Fire }): VNode {
  const rows = proofRows(fire.proof, Date.now());
  if (!rows.length) return <p class="help">The hub sent no proof with it.</p>;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`Proof of the alert of ${fire.symbol}`}>
      <table class="proof">
        <thead><tr>{["", "Price", "Time", "Source", "Number, mark"].map((head) => <th key={head} scope="col">{head || <span class="unseen">What</span>}</th>)}</tr></thead>
        <tbody>
          {rows.map(({ what, value, time, from, place }) => (
            <tr key={what}><th scope="row">{what}</th><td>{value}</td><td>{time}</td><td>{from}</td><td>{place}</td></tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function AlertsPanel({ app }: { app: App }): VNode {
  const { alerts } = app;
  return (
    <section id="alerts" aria-labelledby="alerts-head">
      <h2 id="alerts-head">Alerts</h2>
      {!alerts.isThere.value && <p class="notice">This hub has no alerts.</p>}
      <Editor app={app} />
      <ul id="alert-list">{alerts.list.value.map((alert) => <AlertItem key={alert.id} app={app} alert={alert} />)}</ul>
      {alerts.rings.value.length > 0 && <Past app={app} />}
    </section>
  );
}

function Editor({ app }: { app: App }): VNode {
  const { alerts } = app;
  const form = useRef<HTMLFormElement>(null);
  const level = useSignal("");
  const op = useSignal("");
  const feature = useSignal("last");
  const symbol = app.selected.value;
  const line = app.selectedLine.value;
  const price = line?.row.last ?? null;
  const side = level.value && price !== null && !op.value ? `${sideOf(level.value, price) === ">=" ? "rises" : "falls"} to it` : "";
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const data = new FormData(form.current!);
    const draft: Draft = {
      symbol, feature: feature.value, op: op.value, level: level.value, every: data.get("repeat") === "every",
      regularOnly: data.get("sessions") === "rth", webhook: String(data.get("webhook") ?? ""),
    };
    if (!draft.level && alerts.isBusy.peek()) return; // Enter, twice
    // Room for the next one at once; what was refused comes back, unless something else was typed meanwhile.
    level.value = "";
    if (await alerts.set(draft, app.priceOf(symbol))) return;
    level.value ||= draft.level;
    document.getElementById("level")?.focus();
  };
  return (
    <form id="alert" ref={form} onSubmit={(event) => void submit(event)} noValidate>
      <p id="alert-of">
        <strong>{symbol || "No symbol"}</strong>, now {line ? line.last : priceText(null)}
      </p>
      <label>
        <span>Price</span>
        <select name="feature" value={feature.value} onChange={({ currentTarget }) => (feature.value = currentTarget.value)}>
          {FEATURES.map((name) => <option key={name}>{name}</option>)}
        </select>
      </label>
      <label>
        <span>Rings when it</span>
        <select name="op" value={op.value} onChange={({ currentTarget }) => (op.value = currentTarget.value)}>
          {OPS.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      </label>
      <label>
        <span>Level</span>
        <input
          id="level" name="level" inputMode="decimal" autocomplete="off" value={level} aria-describedby="level-side alert-problem"
          onInput={({ currentTarget }) => (level.value = currentTarget.value)}
        />
      </label>
      <button disabled={!symbol}>Set alert</button>
      <p id="level-side" class="help">{side && `Rings when ${symbol} ${side}.`}</p>
      <details>
        <summary>More</summary>
        <div class="more">
          <label><span>How often</span><select name="repeat"><option value="once">Once</option><option value="every">Every time</option></select></label>
          <label><span>When</span><select name="sessions"><option value="all">At any hour</option><option value="rth">In regular hours</option></select></label>
          <label><span>Also to a webhook</span><input name="webhook" type="url" placeholder="https://…" /></label>
        </div>
      </details>
      <p id="alert-problem" class="problem" role="status">{alerts.problem}</p>
      <p id="alert-done" class="help" role="status">{alerts.done}</p>
    </form>
  );
}

function AlertItem({ app, alert }: { app: App; alert: Alert }): VNode {
  const text = ruleText(alert);
  return (
    <li>
      <span>{text}{typeof alert.distance === "number" && alert.state !== "fired" && <small class="help"> {changeText(alert.distance)} away</small>}</span>
      {alert.state && <span class="badge" data-is={alert.state}>{alert.state.replaceAll("_", " ")}</span>}
      <button class="quiet" aria-label={`Remove the alert: ${text}`} onClick={() => void app.alerts.remove(alert)}>×</button>
    </li>
  );
}

function Past({ app: { alerts } }: { app: App }): VNode {
  return (
    <div id="past">
      <h3>Rung</h3>
      {alerts.rings.value.slice(0, RINGS_SHOWN).map((fire) => (
        <details key={fire.event_id} class={isRetracted(fire) ? "withdrawn" : ""}>
          <summary>{ringText(fire, Date.now())}</summary>
          <Proof fire={fire} />
        </details>
      ))}
    </div>
  );
}
