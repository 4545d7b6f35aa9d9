// The chart's canvas, by lightweight-charts; loaded when it is needed. Colours come from the style sheet.

import { CandlestickSeries, ColorType, createChart, type IChartApi, type ISeriesApi, type UTCTimestamp } from "lightweight-charts";
import type { Candle } from "../core/candles.ts";

const ZOOM = 0.7;
const PAN_BARS = 10;
const [BARS_LEAST, BARS_MOST] = [30, 60]; // that a new chart has room for

export type Move = "in" | "out" | "back" | "on" | "newest";

/** What a custom property of the style sheet comes to, as a colour. */
function colour(name: string, within: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  within.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export class Canvas {
  readonly #chart: IChartApi;
  readonly #series: ISeriesApi<"Candlestick">;
  #shown: Candle[] = [];

  constructor(private readonly element: HTMLElement, isCalm: boolean) {
    this.#chart = createChart(element, {
      autoSize: true,
      // The library would put a style sheet of its own into the page, which the policy forbids;
      // the link to its makers stands below the chart instead.
      layout: { attributionLogo: false, fontFamily: "system-ui, sans-serif" },
      timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 2 },
      kineticScroll: { mouse: false, touch: !isCalm },
      localization: { timeFormatter: (time: number) => new Date(time * 1000).toTimeString().slice(0, 8) },
    });
    this.#series = this.#chart.addSeries(CandlestickSeries);
    this.paint();
  }

  /** Take the colours that the page has now. Falling candles are filled, rising ones hollow. */
  paint(): void {
    const [ground, ink, line, up, down, soft] = ["raised", "ink", "line", "up", "down", "soft"].map((name) => colour(name, this.element));
    this.#chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: ground! }, textColor: ink! },
      grid: { vertLines: { color: line! }, horzLines: { color: line! } },
      rightPriceScale: { borderColor: line! },
      timeScale: { borderColor: line! },
    });
    this.#series.applyOptions({
      priceLineColor: soft!,
      upColor: ground!, borderUpColor: up!, wickUpColor: up!, downColor: down!, borderDownColor: down!, wickDownColor: down!,
    });
  }

  /** Show candles; only what differs is drawn anew, unless it is another chart. */
  show(candles: Candle[], isAnother: boolean): void {
    const from = this.#shown.length - 1;
    const goesOn = !isAnother && from >= 0 && candles.length >= from && candles[from]?.time === this.#shown[from]?.time &&
      candles[0]?.time === this.#shown[0]?.time && sameBefore(candles, this.#shown, from);
    if (goesOn) for (const candle of candles.slice(from)) this.#series.update(asBar(candle));
    else this.#series.setData(candles.map(asBar));
    this.#shown = candles;
    if (!isAnother) return;
    const room = Math.max(BARS_LEAST, Math.min(candles.length, BARS_MOST));
    this.#chart.timeScale().setVisibleLogicalRange({ from: candles.length - room, to: candles.length + 2 });
  }

  move(how: Move): void {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (how === "newest") return scale.scrollToRealTime();
    if (!range) return;
    const [from, to] = [range.from as number, range.to as number];
    if (how === "in" || how === "out") {
      const width = (to - from) * (how === "in" ? ZOOM : 1 / ZOOM);
      scale.setVisibleLogicalRange({ from: to - width, to });
    } else {
      const by = how === "back" ? -PAN_BARS : PAN_BARS;
      scale.setVisibleLogicalRange({ from: from + by, to: to + by });
    }
  }

  remove(): void { this.#chart.remove(); }
}

const asBar = ({ time, open, high, low, close }: Candle): { time: UTCTimestamp; open: number; high: number; low: number; close: number } =>
  ({ time: time as UTCTimestamp, open, high, low, close });

const sameBefore = (ones: Candle[], others: Candle[], end: number): boolean =>
  ones.slice(0, end).every((one, place) => {
    const other = others[place]!;
    return one.time === other.time && one.close === other.close && one.high === other.high && one.low === other.low && one.open === other.open;
  });
