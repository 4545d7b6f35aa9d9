// What the live watchlist makes of what it is told. Pure: `now` is an argument, in ms like all times here.

import type { Bounds, Message, Tick } from "./wire.ts";
import { ageText, clockText, countText } from "./words.ts";

export const SYMBOLS_MAX = 100;
export const SYMBOL_CHARS_MAX = 24;
const REPLAY = 2; // flags of a tick
const PAST = REPLAY | 4 | 8; // back-filled, late
const WINDOW_MS = 10_000; // of delays and rates
const SAMPLES_MAX = 5_000; // in the window; the oldest go
const LATE_MS = 2_000; // older ticks are called late
const QUIET_MS = 15_000; // without any tick: said
const TOLD_MS = 300_000; // for so long a gap is told in words; the figures count it for good
const SPARK_POINTS = 60;
const SPARK_EVERY_MS = 1_000;

export type FeedName = "live" | "replay" | "simulated";

export interface Sum {
  messages: number;
  ticks: number;
  p50: number | null;
  p99: number | null;
}

/** What came lately: how many messages and ticks, and how old they were. */
export class Recent {
  #samples: [number, number | null, number][] = []; // when, delay or null, ticks

  add(now: number, delay: number | null, ticks: number): void {
    this.#samples.push([now, delay, ticks]);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.splice(0, SAMPLES_MAX >> 2);
  }

  /** Messages and ticks a second, and the delays' percentiles by nearest rank, ms (null: none). */
  sum(now: number): Sum {
    this.#samples = this.#samples.filter(([when]) => when > now - WINDOW_MS);
    const delays = this.#samples.map(([, delay]) => delay).filter((delay) => delay !== null).sort((a, b) => a - b);
    const rank = (p: number): number | null => delays[Math.ceil(p * delays.length) - 1] ?? null;
    const seconds = Math.max(1000, now - (this.#samples[0]?.[0] ?? now)) / 1000;
    const ticks = this.#samples.reduce((sum, [, , count]) => sum + count, 0);
    return { messages: this.#samples.length / seconds, ticks: ticks / seconds, p50: rank(0.5), p99: rank(0.99) };
  }
}

/** How far the hub's clock is ahead of ours, by the quickest of the last six pings. */
export class Clock {
  ahead = 0;
  #pings: [number, number][] = []; // round trip, ahead

  pong(now: number, { ct, st }: { ct: number; st: number }): void {
    const sent = ct / 1000;
    this.#pings = [...this.#pings.slice(-5), [now - sent, st / 1000 - (sent + now) / 2]];
    this.ahead = [...this.#pings].sort(([a], [b]) => a - b)[0]![1];
  }
}

/** What is known of one symbol. */
export class Row {
  last: number | null = null;
  first: number | null = null;
  bid: number | null = null;
  ask: number | null = null;
  ticks = 0;
  note = "";
  denied = ""; // why nothing, or not everything, is to be had
  feed: FeedName | null = null;
  sinceMs: number | null = null; // when its newest tick happened; in a replay, when it came
  spark: number[] = []; // the newest price of each second, oldest first
  #sparkMs = 0;

  /** Take a tick that stands for so many new ones: none in a snapshot. Times are the hub's. */
  take(tick: Tick, fresh: number, now: number): void {
    this.ticks += fresh;
    this.feed = feedOf(tick);
    if (this.feed !== "replay") this.sinceMs = Math.max(this.sinceMs ?? 0, tick.ts / 1000);
    else if (fresh) this.sinceMs = now;
    if (tick.op === "t") this.#price(tick.px!, now);
    else if (tick.op === "q") [this.bid, this.ask] = [tick.bp ?? null, tick.ap ?? null];
    else if (tick.wh === "trading") this.note = tick.st === "trading" ? "" : (tick.st ?? "").replaceAll("_", " ");
  }

  #price(price: number, now: number): void {
    this.last = price;
    this.first ??= price;
    if (now - this.#sparkMs < SPARK_EVERY_MS) this.spark.pop();
    else this.#sparkMs = now;
    this.spark.push(price);
    if (this.spark.length > SPARK_POINTS) this.spark.shift();
  }

  /** By how much the price has moved since the page was opened. */
  get change(): number | null {
    return this.last === null || this.first === null ? null : Math.round((this.last - this.first) * 1e9) / 1e9;
  }

  age(now: number): number | null { return this.sinceMs === null ? null : Math.max(0, now - this.sinceMs); }
}

/** Whether a tick's age is not the hub's doing. */
export const isPast = ({ fl = 0 }: { fl?: number }): boolean => (fl & PAST) !== 0;

export function feedOf({ src = "", fl = 0 }: { src?: string; fl?: number }): FeedName {
  if (fl & REPLAY || src === "replay") return "replay";
  return /^sim(-|$)/.test(src) ? "simulated" : "live";
}

interface Missed {
  why: string;
  lost: number;
  scope: string;
  from: number;
  to: number;
}

type FeedEvent = Pick<Tick, "wh" | "why" | "sc" | "ls" | "ts" | "fts" | "tts">;

/** What the feeds' own events tell of the market that nobody saw. */
export class Outages {
  open = new Map<string, { why: string; since: number }>(); // symbol, or `*`
  over: Missed | null = null; // the newest that has ended

  /** Take an event; one that is not fresh (of a snapshot) tells only what is still so. */
  take({ wh, why = "", sc = "*", ls = 0, ts, fts, tts }: FeedEvent, fresh = true): void {
    if (wh === "gap_open") this.open.set(sc, { why, since: (fts || ts) / 1000 });
    else if (wh === "gap_close") {
      this.open.delete(sc);
      if (fresh) this.over = { why, lost: ls, scope: sc, from: (fts || ts) / 1000, to: (tts || ts) / 1000 };
    }
  }

  /** The one that concerns any of these symbols, or all; else undefined. */
  of(symbols: readonly string[]): { scope: string; why: string; since: number } | undefined {
    const scope = ["*", ...symbols].find((name) => this.open.has(name));
    return scope === undefined ? undefined : { scope, ...this.open.get(scope)! };
  }
}

/** The badge: what is not live is never hidden by what is, nor what is late by what is new. */
export function badge(feeds: readonly (FeedName | null)[], delay: number | null): [string, string] {
  const feed = (["simulated", "replay", "live"] as const).find((name) => feeds.includes(name));
  if (!feed) return ["none", "No ticks yet"];
  if (delay === null || delay < LATE_MS) return [feed, feed.toUpperCase()];
  return feed === "live" ? ["late", `DELAYED ${ageText(delay)}`] : [feed, `${feed.toUpperCase()}, ${ageText(delay)} late`];
}

/** What is wrong with the feed, in words; empty when nothing is. */
export function feedText(outages: Outages, symbols: readonly string[], quietSince: number | null, now: number): string {
  const outage = outages.of(symbols);
  if (outage) {
    const whose = outage.scope === "*" ? "The feed is down" : `The feed of ${outage.scope} is down`;
    return `${whose} since ${clockText(outage.since, now)} (${outage.why}).`;
  }
  if (!symbols.length || quietSince === null || now - quietSince < QUIET_MS) return "";
  return `No ticks since ${clockText(quietSince, now)}: the market is closed, or its feed is down.`;
}

/** What the feed missed, in words. */
export function missedText({ over }: Outages, symbols: readonly string[], now: number): string {
  if (!over || (over.scope !== "*" && !symbols.includes(over.scope))) return "";
  const count = over.lost > 0 ? `${countText(over.lost)} message${over.lost > 1 ? "s" : ""}` : "part of the market";
  return `The feed missed ${count} from ${clockText(over.from, now)} to ${clockText(over.to, now)} (${over.why}).`;
}

/** What the hub did not deliver, in words. */
export function gapText(gap: Message | null): string {
  if (!gap) return "";
  return `The hub declared a gap (${gap.why}): ticks between the marks ${gap.from} and ${gap.to} were not delivered.`;
}

/** A text that is told for some time after it has last changed. */
export class Told {
  #text = "";
  #untilMs = 0;

  say(text: string, now: number): string {
    if (text !== this.#text) [this.#text, this.#untilMs] = [text, now + TOLD_MS];
    return now < this.#untilMs ? text : "";
  }
}

/** When to come back, ms: full jitter, so that a hub's clients do not come in waves. */
export function backoff(attempt: number, { min, max, factor }: Bounds, random: () => number = Math.random): number {
  return random() * Math.min(max, min * factor ** attempt);
}

/** Likewise after a hub that goes down in order: it says between when and when. */
export function slot([first, last]: readonly [number, number], random: () => number = Math.random): number {
  return first + random() * (last - first);
}

/** What an attempt that came to nothing means, by the status of the same address without WebSocket (null: none). */
export function failureText(status: number | null): string {
  if (status === null) return "The hub cannot be reached. Trying again.";
  if (status === 404) return "This server has no stream, so no prices come. Trying again.";
  return "The hub refused the connection: it is full, or this page's address is not allowed. Trying again.";
}

/** The symbols of a list as people type it, each once. */
export function readSymbols(text: string): string[] {
  return [...new Set(text.toUpperCase().split(",").map((name) => name.trim().replaceAll(" ", "+")))]
    .filter((name) => name && name !== "*" && name.length <= SYMBOL_CHARS_MAX).slice(0, SYMBOLS_MAX);
}

/** Says no more often than once in so many ms; of what was to be said meanwhile, the newest. */
export class Announcer {
  #waiting = "";
  #nextMs = -Infinity;

  constructor(readonly everyMs: number) {}

  /** What is to be said; empty takes back what has not been said yet. */
  say(text: string): void { this.#waiting = text; }

  /** What is due now; empty when nothing is. */
  due(now: number): string {
    if (!this.#waiting || now < this.#nextMs) return "";
    const text = this.#waiting;
    this.#waiting = "";
    this.#nextMs = now + this.everyMs;
    return text;
  }
}
