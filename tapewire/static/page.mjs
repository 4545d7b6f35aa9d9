// The live watchlist. The first half is pure (`now` is an argument, ms) and is tested without a browser;
// the second half moves it between a WebSocket and the document.

const SYMBOLS = ["AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOGL", "META", "QQQ", "AMD", "NFLX", "IWM"];
const SYMBOLS_MAX = 100;
const KINDS = ["t", "q", "s"]; // trades, quotes, trading status
const REPLAY = 2; // flags of a tick
const PAST = REPLAY | 4 | 8; // back-filled, late: its age is not the hub's doing
const WINDOW_MS = 10_000; // of delays and rates
const SAMPLES_MAX = 5_000; // in the window; the oldest go
const PROBE_MS = 3_000; // for a sign of life

/** Is the stream complete? Per channel and epoch: drop `n <= last`, accept `n - k <= last`, anything
 *  else is a hole. Gaps that the hub declares are counted apart. */
export class Continuity {
  holes = 0;
  gaps = 0;

  constructor() { this.reset(); }

  reset() {
    this.channels = new Map(); // name → {sub, epoch, n}; n null: anything may come next
    this.mark = null; // where to resume: everything up to it is here, or was declared
    this.epoch = null;
    this.foreign = false; // our numbers are not of the hub's tape
    this.behind = new Set(); // subs that resume and have no certificate yet
  }

  /** Take one message; return how many ticks it brings that were not here yet. */
  take(message) {
    const { op, id, c, n, e, m, k = 1 } = message;
    const channel = this.channels.get(c);
    if (op === "mark") this.mark = m;
    else if (op === "ok") this.#begin(id, e, message.chans ?? {});
    else if (op === "cont") this.#certify(message);
    else if (op === "gap") {
      this.gaps += 1;
      this.#void(id);
    } else if (op === "epoch") this.#void(id, (this.epoch = e));
    else if (op === "snap" && channel) channel.n = Math.max(n, channel.n);
    else if (op.length === 1 && channel) { // a tick: their ops are letters
      const last = channel.n ?? n - k;
      if (n <= last) return 0;
      if (n - k > last) this.holes += 1;
      channel.n = n;
      return Math.min(k, n - last);
    }
    return 0;
  }

  #begin(sub, epoch, starts) {
    this.epoch = Math.max(this.epoch, epoch ?? 0);
    for (const [name, { n }] of Object.entries(starts)) {
      const known = this.channels.get(name);
      // Without a number it goes on behind what we have of the same epoch.
      this.channels.set(name, { sub, epoch, n: n ?? (known?.epoch === epoch ? known.n : null) });
    }
  }

  #void(sub, epoch) {
    for (const channel of this.channels.values()) {
      if (sub !== undefined && channel.sub !== sub) continue;
      channel.n = null;
      channel.epoch = epoch ?? channel.epoch;
    }
  }

  #certify({ id, more, chans }) {
    if (!more) this.behind.delete(id);
    for (const [name, { to }] of Object.entries(chans)) this.foreign ||= to < this.channels.get(name)?.n;
  }
}

/** What came lately: how many messages and ticks, and how old they were. */
export class Recent {
  #samples = []; // [when, delay or null, ticks]

  add(now, delay, ticks) {
    this.#samples.push([now, delay, ticks]);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.splice(0, SAMPLES_MAX >> 2);
  }

  /** `{messages, ticks}` a second, and the delays' percentiles by nearest rank, ms (null: none). */
  sum(now) {
    this.#samples = this.#samples.filter(([when]) => when > now - WINDOW_MS);
    const delays = this.#samples.map(([, delay]) => delay).filter((delay) => delay !== null).sort((a, b) => a - b);
    const rank = (p) => delays[Math.ceil(p * delays.length) - 1] ?? null;
    const seconds = Math.max(1000, now - (this.#samples[0]?.[0] ?? now)) / 1000;
    const ticks = this.#samples.reduce((sum, [, , count]) => sum + count, 0);
    return { messages: this.#samples.length / seconds, ticks: ticks / seconds, p50: rank(0.5), p99: rank(0.99) };
  }
}

/** How far the hub's clock is ahead of ours, by the quickest of the last six pings. */
export class Clock {
  ahead = 0;
  #pings = []; // [round trip, ahead]

  pong(now, { ct, st }) {
    const sent = ct / 1000;
    this.#pings = [...this.#pings.slice(-5), [now - sent, st / 1000 - (sent + now) / 2]];
    this.ahead = [...this.#pings].sort(([a], [b]) => a - b)[0][1];
  }
}

/** What is known of one symbol. */
export class Row {
  last = null;
  first = null;
  bid = null;
  ask = null;
  ticks = 0;
  note = "";
  feed = null;
  sinceMs = null; // when its newest tick happened; in a replay, when it came

  /** Take a tick that stands for so many new ones: none in a snapshot. Times are the hub's. */
  take(tick, fresh, now) {
    this.ticks += fresh;
    this.feed = feedOf(tick);
    if (this.feed !== "replay") this.sinceMs = Math.max(this.sinceMs, tick.ts / 1000);
    else if (fresh) this.sinceMs = now;
    if (tick.op === "t") {
      this.last = tick.px;
      this.first ??= tick.px;
    } else if (tick.op === "q") [this.bid, this.ask] = [tick.bp, tick.ap];
    else if (tick.wh === "trading") this.note = tick.st === "trading" ? "" : tick.st.replaceAll("_", " ");
  }

  /** By how much the price has moved since the page was opened. */
  get change() { return this.last === null ? null : Math.round((this.last - this.first) * 1e9) / 1e9; }

  age(now) { return this.sinceMs === null ? null : Math.max(0, now - this.sinceMs); }
}

export function feedOf({ src = "", fl = 0 }) {
  if (fl & REPLAY || src === "replay") return "replay";
  return /^sim(-|$)/.test(src) ? "simulated" : "live";
}

/** When to come back, ms: full jitter, so that a hub's clients do not come in waves. */
export function backoff(attempt, { min, max, factor }, random = Math.random) {
  return random() * Math.min(max, min * factor ** attempt);
}

/** The symbols of a list as people type it, each once. */
export function readSymbols(text) {
  return [...new Set(text.toUpperCase().split(",").map((name) => name.trim().replaceAll(" ", "+")))]
    .filter((name) => name && name.length <= 24).slice(0, SYMBOLS_MAX);
}

const digits = (minimumFractionDigits, maximumFractionDigits = minimumFractionDigits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits, maximumFractionDigits }).format;
const [countText, twoText, decimalText] = [digits(0), digits(2), digits(2, 9)];
export const priceText = (price) => (price === null ? "–" : decimalText(price));
export const delayText = (ms) => (ms === null ? "–" : `${countText(ms)} ms`);

/** The direction is told by the sign, so that it needs no colour. */
const signed = (value, text) => (value > 0 ? "+" : value < 0 ? "−" : "") + text(Math.abs(value));
export const changeText = (change) => (change === null ? "–" : signed(change, decimalText));
export const percentText = (change, first) => (change === null ? "" : `${signed((change / first) * 100, twoText)} %`);

export function ageText(ms) {
  if (ms === null) return "–";
  for (const [unit, size] of [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]]) {
    if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
  }
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}

// ---- from here on: socket and document ----

/** Subscriptions, over as many sockets as it takes. `page` is told what comes. */
class Stream {
  continuity = new Continuity();
  clock = new Clock();
  #socket = null;
  #timer; // to come back
  #attempt = 0;
  #bounds = { min: 500, max: 20_000, factor: 2 };
  #silenceMs = 40_000;
  #heardMs = 0;
  #subs = new Map(); // id → symbols
  #newestId = 0;
  #refusal = "";

  constructor(page, token) {
    this.page = page;
    this.token = token;
    this.url = new URL("v1/stream", document.baseURI);
    this.url.protocol = this.url.protocol.replace("http", "ws");
  }

  open() {
    this.close();
    const socket = (this.#socket = new WebSocket(this.url, "tapewire.v1.json"));
    this.#heardMs = Date.now();
    this.#refusal = "";
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
    if (old.length) this.#send(this.#sub(old, ++this.#newestId, true));
    if (fresh.length) this.add(fresh);
  }

  #sub(symbols, id = ++this.#newestId, resume = false) {
    this.#subs.set(id, symbols);
    const message = { op: "sub", id, symbols, kinds: KINDS, mode: "interval", hz: 4 };
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
      if (fresh) this.page.tick(message, fresh, now);
      else if (message.op === "snap") this.page.tick(message.tick, 0, now);
      else if (message.op === "pong") this.clock.pong(now, message);
      else if (message.op === "welcome") this.#welcome(message);
      else if (message.op === "ok" && message.chans) this.#granted(message.denied ?? []);
      else if (message.op === "err") this.#refused(message);
    }
    if (this.continuity.foreign) this.#restart();
  }

  #welcome({ ping_s, reconnect }) {
    this.#silenceMs = 2_000 * ping_s;
    this.#bounds = reconnect;
    this.page.state("live", "Connected");
  }

  #granted(denied) {
    this.#attempt = 0; // only a hub that serves us has earned a quick return
    for (const { symbol, code } of denied) this.page.denied(symbol, code);
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
    this.close();
    this.continuity.behind.clear();
    if (code === 4501) return this.page.signIn(refusal);
    if (code >= 4500 && code < 5000) return this.page.state("refused", `Disconnected: ${refusal}`);
    this.#timer = setTimeout(() => this.open(), backoff(this.#attempt++, this.#bounds));
    return this.page.state("waiting", "Reconnecting");
  }
}

const find = (id) => document.getElementById(id);

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The token that the hub tells whoever can only be on its own machine; else empty. */
const demoToken = () => document.querySelector('meta[name="tapewire-demo-token"]').content;

class Page {
  #lines = new Map(); // symbol → {row, cells, element}
  #recent = new Recent();
  #newestMs = null;
  #stream = null;
  #frame = 0;

  constructor() {
    const asked = new URLSearchParams(location.search).get("symbols");
    for (const symbol of asked === null ? SYMBOLS : readSymbols(asked)) this.#addLine(symbol);
    find("sign-in").onsubmit = (event) => this.#signedIn(event);
    find("add").onsubmit = (event) => this.#added(event);
    find("sign-out").onclick = () => this.signIn("");
    document.onvisibilitychange = () => document.hidden || this.#stream?.probe();
    addEventListener("online", () => this.#stream?.probe());
    setInterval(() => this.#second(), 1000);
    setInterval(() => this.#stream?.ping(), 10_000);
    this.#begin();
  }

  get symbols() { return [...this.#lines.keys()]; }

  state(name, text) {
    find("connection").dataset.is = name;
    setText(find("connection"), text);
  }

  tick(tick, fresh, now) {
    const { clock, continuity } = this.#stream;
    const hubNow = now + clock.ahead;
    const eventMs = tick.ts / 1000;
    const tells = fresh && !continuity.behind.size && !(tick.fl & PAST);
    this.#recent.add(now, tells ? hubNow - eventMs : null, fresh);
    this.#newestMs = Math.max(this.#newestMs, eventMs);
    this.#lines.get(tick.c.slice(tick.c.indexOf(":") + 1))?.row.take(tick, fresh, hubNow);
    this.#draw();
  }

  denied(symbol, code) {
    if (code === "UNKNOWN_SYMBOL") {
      this.problem(`${symbol} is no symbol.`);
      this.#remove(symbol);
    } else if (this.#lines.has(symbol)) this.#lines.get(symbol).row.note = "not entitled";
  }

  problem(text) { setText(find("problem"), text); }

  signIn(problem) {
    this.#stream?.close();
    this.#stream = null;
    sessionStorage.removeItem("tapewire-token");
    this.#show(false);
    this.state("refused", "Not connected");
    setText(find("sign-in-problem"), problem);
    find("token").value = demoToken();
    find("token").focus();
  }

  #signedIn(event) {
    event.preventDefault();
    sessionStorage.setItem("tapewire-token", find("token").value.trim());
    this.#begin();
  }

  #begin() {
    const token = sessionStorage.getItem("tapewire-token") || demoToken();
    if (!token) return this.signIn("");
    this.#show(true);
    this.state("connecting", "Connecting");
    this.#stream = new Stream(this, token);
    return this.#stream.open();
  }

  #show(isSignedIn) {
    find("sign-in").hidden = isSignedIn;
    for (const id of ["feed", "market", "figures"]) find(id).hidden = !isSignedIn;
  }

  #added(event) {
    event.preventDefault();
    const input = find("symbol");
    const room = SYMBOLS_MAX - this.#lines.size;
    const fresh = readSymbols(input.value).filter((symbol) => !this.#lines.has(symbol)).slice(0, room);
    this.problem(room ? "" : `No more than ${SYMBOLS_MAX}.`);
    for (const symbol of fresh) this.#addLine(symbol);
    if (fresh.length) this.#stream.add(fresh);
    input.value = "";
    this.#remember();
  }

  #addLine(symbol) {
    const element = find("row").content.firstElementChild.cloneNode(true);
    const cells = Object.fromEntries([...element.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
    setText(cells.symbol, symbol);
    cells.remove.setAttribute("aria-label", `Remove ${symbol}`);
    cells.remove.onclick = () => {
      const neighbour = element.nextElementSibling ?? element.previousElementSibling;
      this.#remove(symbol);
      (neighbour?.querySelector("button") ?? find("symbol")).focus();
    };
    this.#lines.set(symbol, { row: new Row(), cells, element });
    find("rows").append(element);
    this.#draw();
  }

  #remove(symbol) {
    this.#lines.get(symbol)?.element.remove();
    this.#lines.delete(symbol);
    this.#stream.remove(symbol);
    this.#remember();
  }

  /** Keep the list in the address: it survives a reload, and can be shared. */
  #remember() {
    history.replaceState(null, "", `?symbols=${this.symbols.map(encodeURIComponent).join(",")}`);
  }

  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const now = Date.now() + (this.#stream?.clock.ahead ?? 0);
      for (const { row, cells } of this.#lines.values()) this.#drawLine(row, cells, now);
    });
  }

  #drawLine(row, cells, hubNow) {
    const { change } = row;
    setText(cells.note, row.note);
    setText(cells.last, priceText(row.last));
    setText(cells.arrow, change > 0 ? "▲" : change < 0 ? "▼" : "");
    setText(cells.change, changeText(change));
    setText(cells.percent, percentText(change, row.first));
    cells.move.dataset.direction = Math.sign(change);
    setText(cells.bid, priceText(row.bid));
    setText(cells.ask, priceText(row.ask));
    setText(cells.ticks, countText(row.ticks));
    setText(cells.age, ageText(row.age(hubNow)));
  }

  #second() {
    const now = Date.now();
    const stream = this.#stream;
    stream?.tend(now);
    if (!stream || document.hidden) return;
    this.#draw();
    const feeds = [...this.#lines.values()].map(({ row }) => row.feed);
    // What is not live is never hidden by what is.
    const feed = ["simulated", "replay", "live"].find((name) => feeds.includes(name));
    find("feed").dataset.is = feed;
    setText(find("feed"), feed?.toUpperCase() ?? "No ticks yet");
    const newest = this.#newestMs;
    const recorded = feed === "replay" && new Date(newest).toISOString().slice(0, 19);
    setText(find("newest"), recorded || ageText(newest && Math.max(0, now + stream.clock.ahead - newest)));
    this.#drawFigures(this.#recent.sum(now), stream.continuity);
  }

  #drawFigures({ messages, ticks, p50, p99 }, { holes, gaps, mark }) {
    setText(find("delay"), `${delayText(p50)} / ${delayText(p99)}`);
    setText(find("rate"), `${countText(messages)} / ${countText(ticks)}`);
    setText(find("holes"), `${holes} / ${gaps}`);
    find("holes").classList.toggle("problem", holes > 0);
    setText(find("mark"), String(mark ?? "–"));
  }
}

if (globalThis.document) new Page();
