import { signal } from "@preact/signals";
import type { FunctionComponent, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { App } from "../shell/app.ts";
import { AlertsPanel, RingBar } from "./alerts.tsx";
import { ChartPanel } from "./chart.tsx";
import { Watchlist } from "./watchlist.tsx";

const THEME_KEY = "tapewire-theme";
const connectPanel = signal<FunctionComponent<{ app: App }> | null>(null);
const theme = signal(document.documentElement.dataset["theme"] ?? "auto");

function choose(chosen: string): void {
  theme.value = chosen;
  try {
    localStorage.setItem(THEME_KEY, chosen);
  } catch {
    // Then for this visit only.
  }
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

/** Move the focus, so that a link inside the page does not change the address. */
function skip(event: Event, id: string): void {
  event.preventDefault();
  const target = document.getElementById(id);
  target?.focus();
  target?.scrollIntoView({ block: "center" });
}

export function Page({ app }: { app: App }): VNode {
  const isSignedIn = app.isSignedIn.value;
  return (
    <>
      {isSignedIn && (
        <nav class="skips" aria-label="Skip to">
          <a href="#level" onClick={(event) => skip(event, "level")}>Set an alert</a>
          <a href="#symbol" onClick={(event) => skip(event, "symbol")}>Add a symbol</a>
          <a href="#chart" onClick={(event) => skip(event, "chart")}>Chart</a>
          <a href="#connect" onClick={(event) => skip(event, "connect")}>Connect your code</a>
        </nav>
      )}
      <header>
        <h1>tapewire</h1>
        {isSignedIn && <p id="feed" class="badge" data-is={app.feed.value.is}>{app.feed.value.text}</p>}
        <p id="connection" class="badge" role="status" data-is={app.connection.value.is}>{app.connection.value.text}</p>
      </header>
      <main>{isSignedIn ? <Market app={app} /> : <SignIn app={app} />}</main>
      {isSignedIn && <Figures app={app} />}
    </>
  );
}

function Market({ app }: { app: App }): VNode {
  const ConnectPanel = connectPanel.value;
  useEffect(() => void import("./connect.tsx").then((panel) => (connectPanel.value = panel.default)), []);
  return (
    <>
      <Notices app={app} />
      <RingBar app={app} />
      <div class="columns">
        <Watchlist app={app} />
        <div class="column">
          <ChartPanel app={app} themeName={theme} />
          <AlertsPanel app={app} />
        </div>
      </div>
      {ConnectPanel && <ConnectPanel app={app} />}
      <p class="unseen" aria-live="polite">{app.spoken}</p>
    </>
  );
}

function Notices({ app: { notices } }: { app: App }): VNode {
  return (
    <div id="notices" role="status" aria-atomic="false">
      {(["failure", "outage", "missed", "gap"] as const).map((name) => (
        <p id={name} key={name} class="notice">{notices[name]}</p>
      ))}
    </div>
  );
}

function SignIn({ app }: { app: App }): VNode {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), [app.signInProblem.value]);
  return (
    <form
      id="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        app.signedIn(field.current!.value);
      }}
    >
      <label for="token">Bearer token</label>
      <input
        id="token" ref={field} type="password" autocomplete="off" required defaultValue={app.demo}
        aria-describedby="sign-in-problem sign-in-help"
      />
      <button>Connect</button>
      <p id="sign-in-problem" class="problem" role="status">{app.signInProblem}</p>
      <p id="sign-in-help" class="help">It is kept until this tab is closed.</p>
    </form>
  );
}

function Figures({ app }: { app: App }): VNode {
  const { figures } = app;
  return (
    <footer id="figures">
      <dl>
        <div><dt>Newest tick</dt><dd id="newest">{figures.newest}</dd></div>
        <div><dt>Delay p50 / p99</dt><dd id="delay">{figures.delay}</dd></div>
        <div><dt>Messages / ticks per s</dt><dd id="rate">{figures.rate}</dd></div>
        <div><dt>Holes / declared gaps</dt><dd id="holes" class={app.hasHoles.value ? "problem" : ""}>{figures.holes}</dd></div>
        <div><dt>Mark</dt><dd id="mark">{figures.mark}</dd></div>
      </dl>
      <label class="theme">
        <span>Colours</span>
        <select id="theme" value={theme.value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
          <option value="auto">Auto</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <p class="help"><a id="licences" href="static/THIRD-PARTY.txt">Licences of what is built in</a></p>
      <button id="sign-out" class="quiet" onClick={() => app.signIn("")}>Change token</button>
    </footer>
  );
}
