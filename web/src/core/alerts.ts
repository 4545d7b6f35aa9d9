// Alerts as people set and read them. Levels are decimal text, as they were typed.

import { clockText, priceText } from "./words.ts";

export const FEATURES = ["last", "bid", "ask", "mid"] as const;
export const SESSIONS = ["rth", "pre", "post", "overnight"] as const;
const RINGS_MAX = 50;
const REARM = "0.1%";
const RISES = new Set([">=", "cross_up"]);

export interface Condition {
  feature: string;
  op: string;
  level: string;
  rearm?: string;
}

/** An alert as `/v1/alerts` answers it; more members may be there. */
export interface Alert {
  id: string;
  symbol: string;
  when: Condition | { all: Condition[] };
  state?: string;
  reason?: string | null;
  distance?: number | null; // level minus price
}

/** What the form holds. */
export interface Draft {
  symbol: string;
  feature: string;
  op: string; // empty: by the side on which the level lies
  level: string;
  every: boolean;
  regularOnly: boolean;
  webhook: string;
}

type Row = Record<string, unknown>;

/** A ring: of the stream or of `/v1/fires`. */
export interface Fire {
  event_id: string;
  alert: string; // its id
  value?: number; // what rang
  symbol: string;
  at: unknown;
  proof?: Row | null;
  retract?: unknown;
  retracted?: unknown;
  off?: number;
  late_by?: unknown;
}

const LEVEL = /^\d{1,9}(\.\d{1,9})?$/;

/** What is wrong with a draft; empty when nothing is. The hub judges the rest. */
export function draftProblem({ symbol, level }: Draft): string {
  if (!symbol) return "Which symbol?";
  return LEVEL.test(level.trim()) && Number(level) > 0 ? "" : "The level is a price such as 192.30.";
}

/** What is asked of the price: to rise to a level above it, to fall to one below. */
export function sideOf(level: string, price: number | null): ">=" | "<=" {
  return price !== null && Number(level) < price ? "<=" : ">=";
}

/** The body of `POST /v1/alerts`. */
export function alertBody(draft: Draft, price: number | null): Row {
  const { symbol, feature, op, level, every, regularOnly, webhook } = draft;
  const chosen = op || sideOf(level, price);
  return {
    symbol,
    // Without a way back a price that flutters around the level would ring with each tick.
    when: { feature, op: chosen, level: level.trim(), ...(every ? { rearm: REARM } : {}) },
    repeat: { mode: every ? "every" : "once" },
    sessions: regularOnly ? ["rth"] : [...SESSIONS],
    // A level on the side where the price is already is meant for the next time, except when the price is on it.
    on_true_at_creation: "wait_for_cross",
    channels: webhook.trim() ? ["ws", `webhook:${webhook.trim()}`] : ["ws"],
  };
}

const OPS: Record<string, string> = {
  ">=": "is at or above", "<=": "is at or below", cross_up: "rises across", cross_down: "falls across", cross: "crosses",
};

const conditionText = ({ feature, op, level }: Condition): string => `${feature} ${OPS[op] ?? op} ${level}`;

/** An alert's rule in words. */
export function ruleText({ symbol, when }: Pick<Alert, "symbol" | "when">): string {
  const conditions = "all" in when ? when.all : [when];
  return `${symbol} ${conditions.map(conditionText).join(" and ")}`;
}

const asText = (value: unknown): string =>
  typeof value === "number" ? priceText(value) : typeof value === "string" ? value : "–";

/** A time as HTTP (RFC 3339 with nanoseconds) or the stream (µs) writes it, in ms; null when it is none. */
export function timeOf(value: unknown): number | null {
  if (typeof value === "number") return value / 1000;
  const parsed = typeof value === "string" ? Date.parse(`${value.slice(0, 23).replace("Z", "")}Z`) : NaN;
  return Number.isNaN(parsed) ? null : parsed;
}

/** Local time of day with milliseconds. */
function exactClock(value: unknown, now: number): string {
  const ms = timeOf(value);
  if (ms === null) return "–";
  return `${clockText(ms, now)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}`;
}

const pick = (row: Row, ...keys: string[]): unknown => keys.map((key) => row[key]).find((value) => value !== undefined);

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

export interface ProofRow {
  what: string;
  value: string;
  time: string;
  from: string; // source and venue
  place: string; // number and mark
}

const PROOFS = [["The tick", "tick"], ["The one before", "before"], ["The quote", "quote"]] as const;

/** The ticks that prove a ring, as rows of a table. Keys long or short, as HTTP and the stream write them. */
export function proofRows(proof: Row | null | undefined, now: number): ProofRow[] {
  return PROOFS.flatMap(([what, key]) => {
    const row = proof?.[key];
    return isRow(row) ? [proofRow(what, row, now)] : [];
  });
}

function proofRow(what: string, row: Row, now: number): ProofRow {
  const bid = pick(row, "bid_price", "bp");
  const price = pick(row, "price", "px");
  const size = pick(row, "size", "sz");
  const value = bid === undefined
    ? `${asText(price)}${size === undefined ? "" : ` × ${String(size)}`}`
    : `${asText(bid)} / ${asText(pick(row, "ask_price", "ap"))}`;
  const from = [pick(row, "source", "src"), pick(row, "venue", "ve")].filter((part) => typeof part === "string" && part);
  const [n, m] = [pick(row, "n"), pick(row, "m")];
  const place = [n === undefined ? "" : `n ${String(n)}`, m === undefined ? "" : `m ${String(m)}`].filter(Boolean);
  return {
    what, value, time: exactClock(pick(row, "ts_event", "ts"), now), from: from.join(", ") || "–", place: place.join(", ") || "–",
  };
}

/** Whether a ring was taken back, because its tick was cancelled or corrected. */
export const isRetracted = ({ retract, retracted }: Fire): boolean => Boolean(retract ?? retracted);

/** A ring in one sentence. */
export function ringText(fire: Fire, now: number): string {
  const conditions = fire.proof?.["conditions"];
  const first: unknown = Array.isArray(conditions) ? conditions[0] : undefined;
  const [op, level] = isRow(first) ? [String(first["op"]), String(first["level"])] : ["", ""];
  const verb = op === "" ? "rang at" : RISES.has(op) ? "rose to" : op === "cross" ? "crossed to" : "fell to";
  const what = fire.value === undefined ? `${fire.symbol}: an alert rang` : `${fire.symbol} ${verb} ${priceText(fire.value)}`;
  const withdrawn = isRetracted(fire) ? "Withdrawn: " : "";
  return `${withdrawn}${what}${level ? ` (level ${level})` : ""} at ${exactClock(fire.at, now)}.`;
}

/** Rings, newest first, each event once: a later word of the same event takes the earlier one's place. */
export class Rings {
  #byEvent = new Map<string, Fire>();

  /** Take one; whether it is new. */
  take(fire: Fire): boolean {
    const known = this.#byEvent.get(fire.event_id);
    this.#byEvent.set(fire.event_id, { ...known, ...fire });
    if (this.#byEvent.size > RINGS_MAX) this.#byEvent.delete(this.#byEvent.keys().next().value!);
    return known === undefined;
  }

  drop(eventId: string): void { this.#byEvent.delete(eventId); }

  list(): Fire[] {
    const at = ({ at }: Fire): number => timeOf(at) ?? 0;
    return [...this.#byEvent.values()].sort((a, b) => at(b) - at(a));
  }
}

/** Whether an answer says that there is no such route, or none that takes anything. */
export function hasNoAlerts(status: number | null, problem: Row | null): boolean {
  return status === 404 || status === 405 || problem?.["type"] === "urn:tapewire:problem:body-not-allowed";
}

/** What an answer that is no success means, in words. `status` null: no answer at all. */
export function apiProblem(status: number | null, problem: Row | null): string {
  if (status === null) return "The hub cannot be reached; nothing was changed.";
  if (hasNoAlerts(status, problem)) return "This hub has no alerts.";
  const errors = Array.isArray(problem?.["errors"]) ? (problem["errors"] as Row[]) : [];
  const details = errors.map(({ detail, pointer }) => [pointer, detail].filter(Boolean).join(": ")).filter(Boolean);
  return details.join("; ") || asDetail(problem) || `The hub answered ${status}.`;
}

const asDetail = (problem: Row | null): string =>
  [problem?.["title"], problem?.["detail"]].filter((part) => typeof part === "string" && part).join(": ");
