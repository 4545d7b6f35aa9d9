// What the chart shows: history asked for over HTTP, then the stream, without a seam.

import { signal } from "@preact/signals";
import { Candles, type BarRow, type Candle, type TradeRow } from "../core/candles.ts";
import type { Tick } from "../core/wire.ts";
import { ApiError, type Api } from "./api.ts";

const MINUTE_S = 60;
const BARS_ASKED = 1_000;
const TRADES_ASKED = 3_000;
const BARS_ENOUGH = 5; // for the first look to be at minutes
const AGAIN_MS = 1_000; // between two readings of the history
const AGAIN_MAX = 5; // in a row

export const PERIODS = [5, MINUTE_S] as const;
export const periodText = (seconds: number): string => (seconds === MINUTE_S ? "1 minute" : `${seconds} seconds`);

export class Chart {
  readonly symbol = signal("");
  readonly period = signal<number>(MINUTE_S);
  readonly candles = signal<Candle[]>([]);
  readonly problem = signal("");
  readonly isLoading = signal(false);
  readonly loaded = signal(0); // counts histories: the chart starts afresh with each
  #candles = new Candles(MINUTE_S);
  #isChosen = false; // the user has chosen the period
  #isDirty = false;
  #asked = 0; // the newest reading of the history
  #timer: number | undefined;
  #again = 0;
  #isConnected = false;
  #isMissing = false; // nobody was there to read it from

  constructor(private readonly api: () => Api | null) {}

  show(symbol: string): void {
    if (symbol !== this.symbol.peek()) this.candles.value = [];
    this.symbol.value = symbol;
    this.#again = 0;
    void this.#load();
  }

  choose(seconds: number): void {
    this.#isChosen = true;
    if (seconds !== this.period.peek()) this.candles.value = [];
    this.period.value = seconds;
    void this.#load();
  }

  /** Something may be missing: read the history again, soon. */
  reload(): void {
    if (this.#timer !== undefined) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      void this.#load();
    }, AGAIN_MS);
  }

  trade(symbol: string, tick: Tick): void {
    if (symbol !== this.symbol.peek()) return;
    if (this.#candles.trade(tick) === "again") this.#repeat();
    this.#isDirty = true;
  }

  bar(symbol: string, tick: Tick): void {
    if (symbol !== this.symbol.peek()) return;
    this.#candles.bar(tick);
    this.#isDirty = true;
  }

  /** Show what has come since the last time. */
  draw(): void {
    if (!this.#isDirty || this.isLoading.peek()) return;
    this.#isDirty = false;
    this.candles.value = this.#candles.list();
  }

  /** The hub has taken our token: read what could not be read before. */
  connected(): void {
    this.#isConnected = true;
    if (this.#isMissing) void this.#load();
  }

  disconnected(): void { this.#isConnected = false; }

  /** Pieces of the stream are taken from the first moment on; those that history has too are dropped by number. */
  async #load(): Promise<void> {
    const [api, symbol, asked] = [this.api(), this.symbol.peek(), ++this.#asked];
    const candles = (this.#candles = new Candles(this.period.peek()));
    this.problem.value = "";
    this.#isMissing = !this.#isConnected;
    if (!api || !symbol || !this.#isConnected) return;
    this.isLoading.value = true;
    try {
      const hasBars = await this.#read(api, symbol, candles);
      if (asked !== this.#asked) return;
      this.isLoading.value = false;
      if (!hasBars && !this.#isChosen) return this.choose(PERIODS[0]);
      this.loaded.value += 1;
      this.candles.value = candles.list();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (asked !== this.#asked) return;
      candles.trades([]);
      this.isLoading.value = false;
      this.#isMissing = error.status === null;
      this.problem.value = `No history: ${error.message}`;
    }
  }

  /** Read the history; whether there are bars enough for a chart of them. */
  async #read(api: Api, symbol: string, candles: Candles): Promise<boolean> {
    const isMinutes = candles.seconds === MINUTE_S;
    const query = { symbols: symbol, order: "desc" };
    let bars: BarRow[] = [];
    if (isMinutes) bars = await this.#bars(api, { ...query, limit: String(BARS_ASKED) });
    // The trades behind the newest bar; without bars, the newest there are.
    const since: Record<string, string> = bars[0] ? { start: new Date(barEndMs(bars[0])).toISOString() } : {};
    const { trades } = await api.get<{ trades: TradeRow[] }>("trades", { ...query, ...since, limit: String(TRADES_ASKED) });
    candles.bars(bars);
    if (candles.trades([...trades].reverse()) === "again") this.#repeat();
    return !isMinutes || bars.length >= BARS_ENOUGH;
  }

  /** Bars; none for who may not have them, but may have trades. */
  async #bars(api: Api, query: Record<string, string>): Promise<BarRow[]> {
    try {
      return (await api.get<{ bars: BarRow[] }>("bars", query)).bars;
    } catch (error) {
      if (error instanceof ApiError && error.status === 403) return [];
      throw error;
    }
  }

  #repeat(): void {
    if (this.#again++ < AGAIN_MAX) this.reload();
  }
}

const barEndMs = ({ ts_event }: BarRow): number => Date.parse(`${ts_event.slice(0, 23)}Z`) + MINUTE_S * 1000;
