// The hub's stream, over as many WebSockets as it takes.

import { Continuity } from "../core/continuity.ts";
import { Clock, backoff, failureText, slot } from "../core/rules.ts";
import type { Bounds, Denial, Message, Tick } from "../core/wire.ts";
import type { Fire } from "../core/alerts.ts";

const KINDS = ["t", "q", "s"]; // trades, quotes, trading status
const FEED = 0; // the id of the subscription to what happens to the feeds
const CHART = 1; // and of the one to the chart's symbol: its bars, and each of its trades by itself
const CHART_KINDS = ["b1m", "t"];
const ACK = Number.MAX_SAFE_INTEGER; // the id of what needs no answer: no subscription's
const FEED_CHANNEL = "f:*";
const PROBE_MS = 3_000; // for a sign of life
const ASK_MS = 5_000; // for an answer over HTTP
const SILENCE_MS = 40_000; // until the hub says what it promises

/** What the stream tells, and asks, the page. */
export interface Listener {
  readonly symbols: string[];
  state(name: string, text: string): void;
  failed(text: string): void;
  tick(tick: Tick, fresh: number, now: number): void;
  bar(tick: Tick, fresh: number): void;
  feedEvent(tick: Tick, fresh: boolean): void;
  granted(symbols: string[], denied: Denial[]): void;
  problem(text: string): void;
  interrupted(): void; // something that the chart shows may be missing
  ring(fire: Fire): void;
  signIn(problem: string): void;
}

interface Sub {
  symbols: string[];
  kinds: string[];
  isRaw?: boolean; // every tick by itself, at once; else four times a second, folded
}

/** Subscriptions of one token. */
export class Stream {
  readonly continuity = new Continuity();
  readonly clock = new Clock();
  #socket: WebSocket | null = null;
  #timer: number | undefined; // to come back
  #attempt = 0;
  #bounds: Bounds = { min: 500, max: 20_000, factor: 2 };
  #silenceMs = SILENCE_MS;
  #heardMs = 0;
  #served = false; // whether the hub has said anything on this socket
  #slot: [number, number] | null = null; // when to come back, as the hub has asked
  #subs = new Map<number, Sub>();
  #newestId = CHART;
  #refusal = "";
  #charted = ""; // the symbol whose bars are asked for
  readonly #address = new URL("v1/stream", document.baseURI);

  constructor(private readonly page: Listener, private readonly token: string) {}

  open(): void {
    this.close();
    const url = new URL(this.#address);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url, "tapewire.v1.json"));
    this.#heardMs = Date.now();
    this.#refusal = "";
    this.#served = false;
    this.#slot = null;
    socket.onopen = () => this.#hello(this.page.symbols);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data as string) as Message[]);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** Leave, and hear no more of the old socket. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  add(symbols: string[]): void { this.#send(this.#sub({ symbols, kinds: KINDS })); }

  remove(symbol: string): void {
    for (const kind of KINDS) this.continuity.channels.delete(`${kind}:${symbol}`);
    for (const [id, { symbols, kinds }] of this.#subs) {
      if (id <= CHART || !symbols.includes(symbol)) continue;
      const left = symbols.filter((other) => other !== symbol);
      this.#subs.delete(id);
      // One of the same id takes its place; begun at the mark, it costs the others no tick.
      this.#send(left.length ? this.#sub({ symbols: left, kinds }, id, true) : { op: "unsub", id });
    }
  }

  /** Ask for bars and single trades of this symbol, and of no other.
   *
   *  Its trades come by two subscriptions then. Both go on from the same mark, so that neither leaves a hole:
   *  what has come by one is a repetition in the other.
   */
  chart(symbol: string): void {
    if (symbol === this.#charted) return;
    this.continuity.channels.delete(`b1m:${this.#charted}`);
    this.continuity.move(`t:${this.#charted}`, this.#listOf(this.#charted));
    const had = this.#subs.delete(CHART);
    this.#charted = symbol;
    if (had) this.#send({ op: "unsub", id: CHART });
    this.#chartSoon();
  }

  /** A ring has been shown. */
  acknowledge(off: number): void { this.#send({ op: "alert.ack", id: ACK, off }); }

  /** Is anybody there? After the page was hidden or the network was away: quicker than to wait. */
  probe(): void {
    if (!this.#socket) {
      if (this.#timer !== undefined) this.open();
      return;
    }
    this.#heardMs = Math.min(this.#heardMs, Date.now() - this.#silenceMs + PROBE_MS);
    this.ping();
  }

  ping(): void { this.#send({ op: "ping", ct: Date.now() * 1000 }); }

  /** Once a second. */
  tend(now: number): void {
    if (this.#socket && now - this.#heardMs > this.#silenceMs) this.#closed(1006, "");
  }

  #hello(symbols: string[]): void {
    const { mark, channels } = this.continuity;
    const isKnown = (symbol: string): boolean => mark !== null && KINDS.some((kind) => channels.has(`${kind}:${symbol}`));
    const old = symbols.filter(isKnown);
    const fresh = symbols.filter((symbol) => !old.includes(symbol));
    this.#subs.clear();
    this.#send({ op: "hello", token: this.token });
    this.ping();
    this.#send(this.#sub({ symbols: ["*"], kinds: ["f"] }, FEED, mark !== null && channels.has(FEED_CHANNEL)));
    if (old.length) this.#send(this.#sub({ symbols: old, kinds: KINDS }, ++this.#newestId, true));
    if (fresh.length) this.add(fresh);
    this.#chartSoon();
  }

  /** The list's subscription that has a symbol. */
  #listOf(symbol: string): number {
    for (const [id, { symbols }] of this.#subs) if (id > CHART && symbols.includes(symbol)) return id;
    return CHART;
  }

  /** As soon as there is a mark to begin at. */
  #chartSoon(): void {
    if (!this.#charted || this.continuity.mark === null || this.#subs.has(CHART)) return;
    this.#send(this.#sub({ symbols: [this.#charted], kinds: CHART_KINDS, isRaw: true }, CHART, true));
  }

  #sub(sub: Sub, id = ++this.#newestId, resume = false): object {
    this.#subs.set(id, sub);
    const pace = sub.isRaw ? { mode: "raw" } : { mode: "interval", hz: 4 };
    const message = { op: "sub", id, symbols: sub.symbols, kinds: sub.kinds, ...pace };
    const { mark, epoch, behind } = this.continuity;
    if (!resume || mark === null) return message;
    behind.add(id);
    return { ...message, from: { m: mark, e: epoch } };
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify([message]));
  }

  #receive(messages: Message[]): void {
    const now = (this.#heardMs = Date.now());
    for (const message of messages) {
      const { holes } = this.continuity;
      const fresh = this.continuity.take(message);
      if (this.continuity.holes > holes) this.page.interrupted();
      if (fresh) this.#tell(message as Tick, fresh, now);
      else this.#control(message, now);
    }
    if (this.continuity.foreign) this.#restart();
    else this.#chartSoon();
  }

  #control(message: Message, now: number): void {
    const { op } = message;
    if (op === "snap") this.#tell(message.tick!, 0, now);
    else if (op === "pong") this.clock.pong(now, message as { ct: number; st: number });
    else if (op === "welcome") this.#welcome(message);
    else if (op === "ok" && message.chans) this.#granted(message);
    else if (op === "err") this.#refused(message);
    else if (op === "drain") this.#slot = message.after ?? null;
    else if (op === "gap" || op === "epoch") this.page.interrupted();
    else if (op === "alert") this.page.ring(message as unknown as Fire);
  }

  #tell(tick: Tick, fresh: number, now: number): void {
    if (tick.op === "f") this.page.feedEvent(tick, fresh > 0);
    else if (tick.c.startsWith("b")) this.page.bar(tick, fresh);
    else this.page.tick(tick, fresh, now);
  }

  #welcome({ ping_s = 20, reconnect }: Message): void {
    this.#silenceMs = 2_000 * ping_s;
    this.#bounds = reconnect ?? this.#bounds;
    this.#served = true;
    this.page.state("live", "Connected");
    this.page.failed("");
  }

  #granted({ id = FEED, denied = [] }: Message): void {
    this.#attempt = 0; // only a hub that serves us has earned a quick return
    if (id > CHART) this.page.granted(this.#subs.get(id)?.symbols ?? [], denied);
  }

  #refused({ id, class: kind, code, msg, hint }: Message): void {
    if (id === ACK) return; // it will ring again
    this.#refusal = `${code}: ${hint ?? msg}`;
    if (kind === "gone") this.#restart();
    else if (kind !== "auth") this.page.problem(this.#refusal);
  }

  /** Our place is not on the hub's tape: begin anew. */
  #restart(): void {
    this.continuity.reset();
    if (this.#subs.delete(CHART)) this.#send({ op: "unsub", id: CHART });
    for (const [id, sub] of this.#subs) this.#send(this.#sub(sub, id));
    this.page.interrupted();
  }

  #closed(code: number, reason: string): void {
    const refusal = this.#refusal || reason;
    const wait = this.#slot ? slot(this.#slot) : backoff(this.#attempt, this.#bounds);
    const served = this.#served;
    this.close();
    this.continuity.behind.clear();
    if (code === 4501) return this.page.signIn(refusal);
    if (code >= 4500 && code < 5000) return this.page.state("refused", `Disconnected: ${refusal}`);
    this.#attempt += 1;
    this.#timer = window.setTimeout(() => this.open(), wait);
    if (!served) void this.#explain();
    return this.page.state("waiting", this.continuity.mark !== null ? "Reconnecting" : "Not connected");
  }

  /** Why does no socket open? A browser does not tell; the same address over HTTP does. */
  async #explain(): Promise<void> {
    const failed = this.#attempt;
    let status: number | null = null;
    try {
      ({ status } = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) }));
    } catch {
      // Nobody is there.
    }
    if (this.#attempt === failed && !this.#served) this.page.failed(failureText(status));
  }
}
