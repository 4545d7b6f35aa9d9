// What the live watchlist makes of what it is told. Pure: `now` is an argument, in ms like all times here.

export const SYMBOLS_MAX = 100;
const REPLAY = 2; // flags of a tick
const PAST = REPLAY | 4 | 8; // back-filled, late
const WINDOW_MS = 10_000; // of delays and rates
const SAMPLES_MAX = 5_000; // in the window; the oldest go
const LATE_MS = 2_000; // older ticks are called late
const QUIET_MS = 15_000; // without any tick: said
const TOLD_MS = 300_000; // for so long a gap is told in words; the figures count it for good

/** Is the stream complete? Per channel and epoch: drop `n <= last`, accept `n - k <= last`, anything
 *  else is a hole. Gaps that the hub declares are counted apart. */
export class Continuity {
  holes = 0;
  gaps = 0;
  gap = null; // the newest that was declared: {from, to, why}

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
      this.gap = message;
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
  denied = ""; // why nothing, or not everything, is to be had
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

/** Whether a tick's age is not the hub's doing. */
export const isPast = ({ fl = 0 }) => (fl & PAST) !== 0;

export function feedOf({ src = "", fl = 0 }) {
  if (fl & REPLAY || src === "replay") return "replay";
  return /^sim(-|$)/.test(src) ? "simulated" : "live";
}

/** What the feeds' own events tell of the market that nobody saw. */
export class Outages {
  open = new Map(); // symbol, or `*` → {why, since}
  over = null; // the newest that has ended: {why, lost, from, to}

  /** Take an event; one that is not fresh (of a snapshot) tells only what is still so. */
  take({ wh, why, sc, ls = 0, ts, fts, tts }, fresh = true) {
    if (wh === "gap_open") this.open.set(sc, { why, since: (fts || ts) / 1000 });
    else if (wh === "gap_close") {
      this.open.delete(sc);
      if (fresh) this.over = { why, lost: ls, scope: sc, from: (fts || ts) / 1000, to: (tts || ts) / 1000 };
    }
  }

  /** The one that concerns any of these symbols, or all; else undefined. */
  of(symbols) {
    const scope = ["*", ...symbols].find((name) => this.open.has(name));
    return scope && { scope, ...this.open.get(scope) };
  }
}

/** The badge: what is not live is never hidden by what is, nor what is late by what is new. */
export function badge(feeds, delay) {
  const feed = ["simulated", "replay", "live"].find((name) => feeds.includes(name));
  if (!feed) return ["none", "No ticks yet"];
  if (delay === null || delay < LATE_MS) return [feed, feed.toUpperCase()];
  return feed === "live" ? ["late", `DELAYED ${ageText(delay)}`] : [feed, `${feed.toUpperCase()}, ${ageText(delay)} late`];
}

/** What is wrong with the feed, in words; empty when nothing is. */
export function feedText(outages, symbols, quietSince, now) {
  const outage = outages.of(symbols);
  if (outage) {
    const whose = outage.scope === "*" ? "The feed is down" : `The feed of ${outage.scope} is down`;
    return `${whose} since ${clockText(outage.since, now)} (${outage.why}).`;
  }
  if (!symbols.length || quietSince === null || now - quietSince < QUIET_MS) return "";
  return `No ticks since ${clockText(quietSince, now)}: the market is closed, or its feed is down.`;
}

/** What the feed missed, in words. */
export function missedText({ over }, symbols, now) {
  if (!over || (over.scope !== "*" && !symbols.includes(over.scope))) return "";
  const count = over.lost > 0 ? `${countText(over.lost)} message${over.lost > 1 ? "s" : ""}` : "part of the market";
  return `The feed missed ${count} from ${clockText(over.from, now)} to ${clockText(over.to, now)} (${over.why}).`;
}

/** What the hub did not deliver, in words. */
export function gapText(gap) {
  if (!gap) return "";
  return `The hub declared a gap (${gap.why}): ticks between the marks ${gap.from} and ${gap.to} were not delivered.`;
}

/** A text that is told for some time after it has last changed. */
export class Told {
  #text = "";
  #untilMs = 0;

  say(text, now) {
    if (text !== this.#text) [this.#text, this.#untilMs] = [text, now + TOLD_MS];
    return now < this.#untilMs ? text : "";
  }
}

/** When to come back, ms: full jitter, so that a hub's clients do not come in waves. */
export function backoff(attempt, { min, max, factor }, random = Math.random) {
  return random() * Math.min(max, min * factor ** attempt);
}

/** Likewise after a hub that goes down in order: it says between when and when. */
export function slot([first, last], random = Math.random) {
  return first + random() * (last - first);
}

/** What an attempt that came to nothing means, by the status of the same address without WebSocket (null: none). */
export function failureText(status) {
  if (status === null) return "The hub cannot be reached. Trying again.";
  if (status === 404) return "This server has no stream, so no prices come. Trying again.";
  return "The hub refused the connection: it is full, or this page's address is not allowed. Trying again.";
}

/** The symbols of a list as people type it, each once. */
export function readSymbols(text) {
  return [...new Set(text.toUpperCase().split(",").map((name) => name.trim().replaceAll(" ", "+")))]
    .filter((name) => name && name !== "*" && name.length <= 24).slice(0, SYMBOLS_MAX);
}

const digits = (minimumFractionDigits, maximumFractionDigits = minimumFractionDigits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits, maximumFractionDigits }).format;
export const countText = digits(0);
const [twoText, decimalText] = [digits(2), digits(2, 9)];
export const priceText = (price) => (price === null ? "–" : decimalText(price));

/** The time of day; of another day with its date. */
export function clockText(ms, now) {
  const [then, today] = [new Date(ms), new Date(now)];
  const time = then.toTimeString().slice(0, 8);
  return then.toDateString() === today.toDateString() ? time : `${then.toLocaleDateString("en-CA")} ${time}`;
}

export const delayText = (ms) => (ms === null ? "–" : `${countText(ms)} ms`);

/** The direction is told by the sign, so that it needs no colour. */
const signed = (value, text) => (value > 0 ? "+" : value < 0 ? "−" : "") + text(Math.abs(value));
export const changeText = (change) => (change === null ? "–" : signed(change, decimalText));
export const percentText = (change, first) => (change === null ? "" : `${signed(Math.round((change / first) * 10_000) / 100, twoText)} %`);

export function ageText(ms) {
  if (ms === null) return "–";
  for (const [unit, size] of [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]]) {
    if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
  }
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}
