// The hub's stream, over as many WebSockets as it takes.

import { Clock, Continuity, backoff, failureText, slot } from "./rules.mjs";

const KINDS = ["t", "q", "s"]; // trades, quotes, trading status
const FEED = 0; // the id of the subscription to what happens to the feeds
const FEED_CHANNEL = "f:*";
const PROBE_MS = 3_000; // for a sign of life
const ASK_MS = 5_000; // for an answer over HTTP

/** Subscriptions of one token. `page` is told what comes. */
export class Stream {
  continuity = new Continuity();
  clock = new Clock();
  #socket = null;
  #timer; // to come back
  #attempt = 0;
  #bounds = { min: 500, max: 20_000, factor: 2 };
  #silenceMs = 40_000;
  #heardMs = 0;
  #served = false; // whether the hub has said anything on this socket
  #slot = null; // when to come back, as the hub has asked
  #subs = new Map(); // id → symbols
  #newestId = 0;
  #refusal = "";

  constructor(page, token) {
    this.page = page;
    this.token = token;
    this.address = new URL("v1/stream", document.baseURI);
    this.url = new URL(this.address);
    this.url.protocol = this.url.protocol.replace("http", "ws");
  }

  open() {
    this.close();
    const socket = (this.#socket = new WebSocket(this.url, "tapewire.v1.json"));
    this.#heardMs = Date.now();
    this.#refusal = "";
    this.#served = false;
    this.#slot = null;
    socket.onopen = () => this.#hello(this.page.symbols);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** Leave, and hear no more of the old socket. */
  close() {
    this.#timer = clearTimeout(this.#timer);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  add(symbols) { this.#send(this.#sub(symbols)); }

  remove(symbol) {
    for (const kind of KINDS) this.continuity.channels.delete(`${kind}:${symbol}`);
    for (const [id, symbols] of this.#subs) {
      if (!symbols.includes(symbol)) continue;
      const left = symbols.filter((other) => other !== symbol);
      this.#subs.delete(id);
      // One of the same id takes its place; begun at the mark, it costs the others no tick.
      this.#send(left.length ? this.#sub(left, id, true) : { op: "unsub", id });
    }
  }

  /** Is anybody there? After the page was hidden or the network was away: quicker than to wait. */
  probe() {
    if (!this.#socket) return this.#timer && this.open();
    this.#heardMs = Math.min(this.#heardMs, Date.now() - this.#silenceMs + PROBE_MS);
    return this.ping();
  }

  ping() { this.#send({ op: "ping", ct: Date.now() * 1000 }); }

  /** Once a second. */
  tend(now) {
    if (this.#socket && now - this.#heardMs > this.#silenceMs) this.#closed(1006);
  }

  #hello(symbols) {
    const { mark, channels } = this.continuity;
    const isKnown = (symbol) => mark !== null && KINDS.some((kind) => channels.has(`${kind}:${symbol}`));
    const old = symbols.filter(isKnown);
    const fresh = symbols.filter((symbol) => !old.includes(symbol));
    this.#subs.clear();
    this.#send({ op: "hello", token: this.token });
    this.ping();
    this.#send(this.#sub(["*"], FEED, mark !== null && channels.has(FEED_CHANNEL)));
    if (old.length) this.#send(this.#sub(old, ++this.#newestId, true));
    if (fresh.length) this.add(fresh);
  }

  #sub(symbols, id = ++this.#newestId, resume = false) {
    this.#subs.set(id, symbols);
    const message = { op: "sub", id, symbols, kinds: id === FEED ? ["f"] : KINDS, mode: "interval", hz: 4 };
    const { mark, epoch, behind } = this.continuity;
    if (!resume || mark === null) return message;
    behind.add(id);
    return { ...message, from: { m: mark, e: epoch } };
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify([message]));
  }

  #receive(messages) {
    const now = (this.#heardMs = Date.now());
    for (const message of messages) {
      const fresh = this.continuity.take(message);
      if (fresh) this.#tell(message, fresh, now);
      else if (message.op === "snap") this.#tell(message.tick, 0, now);
      else if (message.op === "pong") this.clock.pong(now, message);
      else if (message.op === "welcome") this.#welcome(message);
      else if (message.op === "ok" && message.chans) this.#granted(message);
      else if (message.op === "err") this.#refused(message);
      else if (message.op === "drain") this.#slot = message.after;
    }
    if (this.continuity.foreign) this.#restart();
  }

  #tell(tick, fresh, now) {
    if (tick.op === "f") this.page.feedEvent(tick, fresh > 0);
    else this.page.tick(tick, fresh, now);
  }

  #welcome({ ping_s, reconnect }) {
    this.#silenceMs = 2_000 * ping_s;
    this.#bounds = reconnect;
    this.#served = true;
    this.page.state("live", "Connected");
    this.page.failed("");
  }

  #granted({ id, denied = [] }) {
    this.#attempt = 0; // only a hub that serves us has earned a quick return
    this.page.granted(this.#subs.get(id) ?? [], denied);
  }

  #refused({ class: kind, code, msg, hint }) {
    this.#refusal = `${code}: ${hint ?? msg}`;
    if (kind === "gone") this.#restart();
    else if (kind !== "auth") this.page.problem(this.#refusal);
  }

  /** Our place is not on the hub's tape: begin anew. */
  #restart() {
    this.continuity.reset();
    for (const [id, symbols] of this.#subs) this.#send(this.#sub(symbols, id));
  }

  #closed(code, reason) {
    const refusal = this.#refusal || reason;
    const wait = this.#slot ? slot(this.#slot) : backoff(this.#attempt, this.#bounds);
    const served = this.#served;
    this.close();
    this.continuity.behind.clear();
    if (code === 4501) return this.page.signIn(refusal);
    if (code >= 4500 && code < 5000) return this.page.state("refused", `Disconnected: ${refusal}`);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.open(), wait);
    if (!served) this.#explain();
    return this.page.state("waiting", this.#isOld() ? "Reconnecting" : "Not connected");
  }

  #isOld() { return this.continuity.mark !== null; }

  /** Why does no socket open? A browser does not tell; the same address over HTTP does. */
  async #explain() {
    const failed = this.#attempt;
    let status = null;
    try {
      ({ status } = await fetch(this.address, { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) }));
    } catch {
      // Nobody is there.
    }
    if (this.#attempt === failed && !this.#served) this.page.failed(failureText(status));
  }
}
