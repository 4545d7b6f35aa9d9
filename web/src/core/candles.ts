// Candles of one symbol: history and stream put together so that no seam is left between them.
//
// Every bar and every trade has a number in its channel, the same in history and on the stream. So
// both can come in any order and overlap: what is here already is dropped by its number.

import type { Tick } from "./wire.ts";

const CANDLES_MAX = 2_000; // the oldest go
const PIECES_MAX = 5_000; // of the stream, kept until the trades before them are known
const MINUTE_S = 60;

export interface Candle {
  time: number; // its start, s since 1970
  open: number;
  high: number;
  low: number;
  close: number;
}

interface Kept extends Candle {
  n: number; // of the bar that it comes from; 0: made of trades
}

/** A row of `/v1/bars`. */
export interface BarRow {
  ts_event: string;
  open: number;
  high: number;
  low: number;
  close: number;
  n: number;
  e: number;
}

/** A row of `/v1/trades`: a trade, or a cancel or correction of one. */
export interface TradeRow {
  ts_event: string;
  kind: string;
  price: number;
  n: number;
  elig: number;
  upd: string | null;
}

/** What taking a piece of the stream comes to: `again` asks for the history once more. */
export type Verdict = "kept" | "again";

const setsOpen = (elig: number): number => (elig >> 2) & 3; // of the minute: 0 no, 1 as the first, 2 yes
const setsRange = (elig: number): boolean => (elig & 0x20) !== 0;

export class Candles {
  #byTime = new Map<number, Kept>();
  #lastTrade: number | null = null; // number of the newest trade that is in
  #waiting: Tick[] | null = []; // pieces of the stream, until the trades of history are here
  #pieceTime = 0; // the period of the piece before

  /** Candles of so many seconds; bars of the hub are of a minute. */
  constructor(readonly seconds: number) {}

  /** In order of time. */
  list(): Candle[] {
    return [...this.#byTime.values()].sort((a, b) => a.time - b.time)
      .map(({ time, open, high, low, close }) => ({ time, open, high, low, close }));
  }

  /** The newest; undefined when there is none. */
  get newest(): Candle | undefined { return this.list().at(-1); }

  /** Bars of history. */
  bars(rows: readonly BarRow[]): void {
    for (const row of rows) {
      const { open, high, low, close, n } = row;
      this.#bar({ time: secondsOf(row.ts_event), open, high, low, close, n });
    }
  }

  /** A bar of the stream, or a revision of one. */
  bar({ ts, o, h, l, cl, n }: Tick): void {
    if (this.seconds !== MINUTE_S) return;
    this.#bar({ time: Math.floor(ts / 1e6), open: o!, high: h!, low: l!, close: cl!, n });
  }

  /** Trades of history, oldest first; from then on the stream is taken as it comes. */
  trades(rows: readonly TradeRow[]): Verdict {
    for (const { ts_event, kind, price, n, elig, upd } of rows) {
      this.#lastTrade = Math.max(this.#lastTrade ?? 0, n);
      // What was withdrawn is no trade; what was replaced is told again by its correction.
      if (kind !== "cancel" && upd === null) this.#price(this.#timeOf(secondsOf(ts_event)), price, price, price, elig);
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    return waiting.map((piece) => this.trade(piece)).includes("again") ? "again" : "kept";
  }

  /** A piece of the stream: a trade, or several of one flush. */
  trade(piece: Tick): Verdict {
    if (this.#waiting) {
      this.#waiting.push(piece);
      if (this.#waiting.length > PIECES_MAX) this.#waiting.shift();
      return "kept";
    }
    const { op, n, k = 1, ts, px, hi = px!, lo = px!, el = 0 } = piece;
    if (this.#lastTrade !== null && n <= this.#lastTrade) return "kept";
    const isWhole = this.#lastTrade === null || n - k <= this.#lastTrade;
    this.#lastTrade = n;
    if (!isWhole || op !== "t") return "again"; // something is missing, or an older trade has changed
    const time = this.#timeOf(ts / 1e6);
    // Highs and lows of a flush that began in the period before may be that one's.
    const begins = k > 1 && time !== this.#pieceTime;
    this.#pieceTime = time;
    this.#price(time, px!, begins ? px! : hi, begins ? px! : lo, el);
    return "kept";
  }

  #timeOf(seconds: number): number { return Math.floor(seconds / this.seconds) * this.seconds; }

  #bar(bar: Kept): void {
    const known = this.#byTime.get(bar.time);
    if (!known || bar.n >= known.n) this.#keep(bar);
  }

  #price(time: number, price: number, high: number, low: number, elig: number): void {
    const candle = this.#byTime.get(time);
    if (!candle) {
      if (setsOpen(elig)) this.#keep({ time, open: price, high: price, low: price, close: price, n: 0 });
      return;
    }
    if (candle.n) return; // the bar has it
    if (setsRange(elig) || high !== low) {
      candle.high = Math.max(candle.high, high);
      candle.low = Math.min(candle.low, low);
    }
    if (setsOpen(elig) === 2) candle.close = price;
  }

  #keep(candle: Kept): void {
    this.#byTime.set(candle.time, candle);
    if (this.#byTime.size > CANDLES_MAX) this.#byTime.delete(Math.min(...this.#byTime.keys()));
  }
}

/** Seconds since 1970 of an RFC 3339 time; its nanoseconds do not matter here. */
const secondsOf = (text: string): number => Date.parse(`${text.slice(0, 23).replace("Z", "")}Z`) / 1000;

/** What a chart shows, in words, for who does not see it. */
export function candleText(symbol: string, name: string, candles: readonly Candle[], price: (value: number) => string): string {
  const last = candles.at(-1);
  if (!last) return `${symbol}, ${name}: no candle yet.`;
  const [high, low] = [Math.max(...candles.map((one) => one.high)), Math.min(...candles.map((one) => one.low))];
  const count = candles.length === 1 ? "1 candle" : `${candles.length} candles`;
  return `${symbol}, ${name}: ${count}, highest ${price(high)}, lowest ${price(low)}; ` +
    `the newest opened at ${price(last.open)}, now ${price(last.close)}.`;
}
