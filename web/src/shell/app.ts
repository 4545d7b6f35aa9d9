// The page's state: the stream on one side, signals that the views show on the other.

import { batch, computed, signal } from "@preact/signals";
import type { Fire } from "../core/alerts.ts";
import { Announcer, Outages, Recent, SYMBOLS_MAX, Told, badge, feedText, gapText, isPast, missedText, readSymbols } from "../core/rules.ts";
import { symbolOf, type Denial, type Tick } from "../core/wire.ts";
import { ageText, countText, delayText } from "../core/words.ts";
import { Alerts } from "./alerts.ts";
import { Api } from "./api.ts";
import { Chart } from "./chart_data.ts";
import { Line } from "./line.ts";
import { Stream, type Listener } from "./stream.ts";

const SYMBOLS = ["AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOGL", "META", "QQQ", "AMD", "NFLX", "IWM"];
const DELAYED = "delayed only"; // of any kind: then the others do not matter
const DENIALS: Record<string, string> = { ENT_DELAYED: DELAYED };
const TOKEN_KEY = "tapewire-token";
const PING_MS = 10_000;
const SPEAK_MS = 10_000; // a screen reader is told a price no more often

/** The token that the hub tells whoever can only be on its own machine; else empty. */
const demoToken = (): string => document.querySelector<HTMLMetaElement>('meta[name="tapewire-demo-token"]')?.content ?? "";

export class App implements Listener {
  readonly lines = signal<Line[]>([]);
  readonly selected = signal("");
  readonly isSignedIn = signal(false);
  readonly signInProblem = signal("");
  readonly connection = signal({ is: "connecting", text: "Connecting" });
  readonly feed = signal({ is: "none", text: "No ticks yet" });
  readonly addProblem = signal("");
  readonly notices = { failure: signal(""), outage: signal(""), missed: signal(""), gap: signal("") };
  readonly figures = { newest: signal("–"), delay: signal("– / –"), rate: signal("0 / 0"), holes: signal("0 / 0"), mark: signal("–") };
  readonly hasHoles = signal(false);
  readonly speaks = signal(false);
  readonly spoken = signal("");
  readonly demo = demoToken();
  readonly isDemo = signal(false);
  readonly chart = new Chart(() => this.#api);
  readonly alerts = new Alerts(() => this.#api, (off) => this.#stream?.acknowledge(off));
  readonly selectedLine = computed(() => this.lines.value.find(({ symbol }) => symbol === this.selected.value));
  #recent = new Recent();
  #outages = new Outages();
  #missed = new Told();
  #gap = new Told();
  #announcer = new Announcer(SPEAK_MS);
  #newestMs: number | null = null;
  #quietSince: number | null = null; // the newest tick came, or the connection began
  #stream: Stream | null = null;
  #api: Api | null = null;
  #frame = 0;

  constructor() {
    const asked = new URLSearchParams(location.search).get("symbols");
    this.lines.value = (asked === null ? SYMBOLS : readSymbols(asked)).map((symbol) => new Line(symbol));
    this.selected.value = this.symbols[0] ?? "";
    document.onvisibilitychange = () => document.hidden || this.#stream?.probe();
    addEventListener("online", () => this.#stream?.probe());
    setInterval(() => this.#second(), 1000);
    setInterval(() => this.#stream?.ping(), PING_MS);
    this.#begin();
  }

  get symbols(): string[] { return this.lines.peek().map(({ symbol }) => symbol); }

  /** The newest price of a symbol; null when there is none. */
  priceOf(symbol: string): number | null {
    return this.lines.peek().find((line) => line.symbol === symbol)?.row.last ?? null;
  }

  // -- what the stream tells -----------------------------------------------------------------

  state(is: string, text: string): void {
    this.connection.value = { is, text };
    this.#quietSince = is === "live" ? Date.now() : null;
    if (is !== "live") return this.chart.disconnected();
    void this.alerts.load();
    this.chart.connected();
  }

  /** Why there is no connection; empty when there is. */
  failed(text: string): void { this.notices.failure.value = text; }

  feedEvent(event: Tick, fresh: boolean): void { this.#outages.take(event, fresh); }

  tick(tick: Tick, fresh: number, now: number): void {
    const { clock, continuity } = this.#stream!;
    const hubNow = now + clock.ahead;
    const eventMs = tick.ts / 1000;
    const tells = fresh && !continuity.behind.size && !isPast(tick);
    const symbol = symbolOf(tick.c);
    this.#recent.add(now, tells ? hubNow - eventMs : null, fresh);
    this.#newestMs = Math.max(this.#newestMs ?? 0, eventMs);
    if (fresh) this.#quietSince = now;
    this.#lineOf(symbol)?.row.take(tick, fresh, hubNow);
    if (fresh && tick.c.startsWith("t:")) this.chart.trade(symbol, tick);
    this.#draw();
  }

  bar(tick: Tick, fresh: number): void { if (fresh) this.chart.bar(symbolOf(tick.c), tick); }

  interrupted(): void { this.chart.reload(); }

  ring(fire: Fire): void { this.alerts.ring(fire); }

  /** What was asked for may be had, apart from what is denied. */
  granted(symbols: string[], denied: Denial[]): void {
    for (const symbol of symbols) this.#deny(symbol, "");
    for (const { symbol, code } of denied) {
      if (code === "UNKNOWN_SYMBOL") {
        this.problem(`${symbol} is no symbol.`);
        this.remove(symbol);
      } else this.#deny(symbol, DENIALS[code] ?? "not entitled");
    }
  }

  problem(text: string): void { this.addProblem.value = text; }

  // -- what the user does --------------------------------------------------------------------

  signIn(problem: string): void {
    this.#stream?.close();
    this.#stream = this.#api = null;
    sessionStorage.removeItem(TOKEN_KEY);
    this.failed("");
    this.state("refused", "Not connected");
    batch(() => {
      this.signInProblem.value = problem;
      this.isSignedIn.value = false;
    });
  }

  signedIn(token: string): void {
    sessionStorage.setItem(TOKEN_KEY, token.trim());
    this.#begin();
  }

  select(symbol: string): void {
    this.selected.value = symbol;
    this.#announcer.say("");
    this.#stream?.chart(symbol);
    this.chart.show(symbol);
  }

  /** Add the symbols of a text, between commas. */
  add(text: string): void {
    const room = SYMBOLS_MAX - this.lines.peek().length;
    const fresh = readSymbols(text).filter((symbol) => !this.#lineOf(symbol)).slice(0, room);
    this.problem(room > 0 ? "" : `No more than ${SYMBOLS_MAX}.`);
    this.lines.value = [...this.lines.peek(), ...fresh.map((symbol) => new Line(symbol))];
    if (fresh.length) this.#stream?.add(fresh);
    if (!this.selected.peek() && fresh[0]) this.select(fresh[0]);
    this.#remember();
  }

  remove(symbol: string): void {
    this.lines.value = this.lines.peek().filter((line) => line.symbol !== symbol);
    this.#stream?.remove(symbol);
    if (this.selected.peek() === symbol) this.select(this.symbols[0] ?? "");
    this.#remember();
  }

  // -- inside --------------------------------------------------------------------------------

  #begin(): void {
    const own = sessionStorage.getItem(TOKEN_KEY);
    const token = own || this.demo;
    if (!token) return this.signIn("");
    this.isDemo.value = token === this.demo;
    this.isSignedIn.value = true;
    this.connection.value = { is: "connecting", text: "Connecting" };
    this.#api = new Api(token);
    this.#stream = new Stream(this, token);
    this.select(this.selected.peek());
    this.#stream.open();
  }

  #lineOf(symbol: string): Line | undefined { return this.lines.peek().find((line) => line.symbol === symbol); }

  #deny(symbol: string, why: string): void {
    const row = this.#lineOf(symbol)?.row;
    if (row && (!why || row.denied !== DELAYED)) row.denied = why;
  }

  /** Keep the list in the address: it survives a reload, and can be shared. */
  #remember(): void {
    history.replaceState(null, "", `?symbols=${this.symbols.map(encodeURIComponent).join(",")}`);
  }

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const hubNow = Date.now() + (this.#stream?.clock.ahead ?? 0);
      batch(() => this.lines.peek().forEach((line) => line.draw(hubNow)));
      this.chart.draw();
    });
  }

  #second(): void {
    const now = Date.now();
    const stream = this.#stream;
    stream?.tend(now);
    if (!stream || document.hidden) return;
    this.#draw();
    batch(() => {
      const sum = this.#recent.sum(now);
      const [is, text] = badge(this.lines.peek().map(({ row }) => row.feed), sum.p50);
      if (text !== this.feed.peek().text) this.feed.value = { is, text };
      this.#drawFigures(is, now, sum, stream);
      this.#drawNotices(stream, now);
    });
    this.#speak(now);
    this.alerts.second(now);
  }

  #drawNotices({ continuity: { gap } }: Stream, now: number): void {
    const { notices, symbols } = this;
    notices.outage.value = feedText(this.#outages, symbols, this.#quietSince, now);
    notices.missed.value = this.#missed.say(missedText(this.#outages, symbols, now), now);
    notices.gap.value = this.#gap.say(gapText(gap), now);
  }

  #drawFigures(feed: string, now: number, { messages, ticks, p50, p99 }: ReturnType<Recent["sum"]>, { clock, continuity }: Stream): void {
    const { figures } = this;
    const { holes, gaps, mark } = continuity;
    const newest = this.#newestMs;
    figures.newest.value = feed === "replay" && newest !== null
      ? new Date(newest).toISOString().slice(0, 19)
      : ageText(newest === null ? null : Math.max(0, now + clock.ahead - newest));
    figures.delay.value = `${delayText(p50)} / ${delayText(p99)}`;
    figures.rate.value = `${countText(messages)} / ${countText(ticks)}`;
    figures.holes.value = `${holes} / ${gaps}`;
    this.hasHoles.value = holes > 0;
    figures.mark.value = String(mark ?? "–");
  }

  #speak(now: number): void {
    const line = this.selectedLine.peek();
    if (!this.speaks.peek() || !line) return;
    if (line.last.peek() !== "–") this.#announcer.say(`${line.symbol} ${line.last.peek()}, ${line.percent.peek()}`);
    this.spoken.value = this.#announcer.due(now) || this.spoken.peek();
  }
}
