import type { Signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { candleText } from "../core/candles.ts";
import { priceText } from "../core/words.ts";
import type { App } from "../shell/app.ts";
import type { Canvas, Move } from "../shell/canvas.ts";
import { PERIODS, periodText } from "../shell/chart_data.ts";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const DARK = matchMedia("(prefers-color-scheme: dark)");
const ROWS_MAX = 30; // of the table beside the picture
const MOVES: [Move, string, string][] = [
  ["back", "◀", "Earlier"], ["on", "▶", "Later"], ["in", "+", "Closer"], ["out", "−", "Further away"], ["newest", "⇥", "Newest"],
];

export function ChartPanel({ app, themeName }: { app: App; themeName: Signal<string> }): VNode {
  const { chart } = app;
  const canvas = useRef<Canvas | null>(null);
  const symbol = chart.symbol.value;
  return (
    <section id="chart" tabIndex={-1} aria-labelledby="chart-head">
      <div class="bar">
        <h2 id="chart-head">{symbol || "No symbol"}</h2>
        <div class="group" role="group" aria-label="Length of a candle">
          {PERIODS.map((seconds) => (
            <button key={seconds} aria-pressed={chart.period.value === seconds} onClick={() => chart.choose(seconds)}>
              {periodText(seconds)}
            </button>
          ))}
        </div>
        <label class="switch">
          <input id="speak" type="checkbox" checked={app.speaks.value} onChange={({ currentTarget }) => (app.speaks.value = currentTarget.checked)} />
          Speak price
        </label>
      </div>
      <Picture app={app} themeName={themeName} canvas={canvas} />
      <div class="bar">
        <div class="group" role="group" aria-label="Move the chart">
          {MOVES.map(([move, sign, name]) => (
            <button key={move} aria-label={name} title={name} onClick={() => canvas.current?.move(move)}>{sign}</button>
          ))}
        </div>
        <p class="help">
          Charts: <a href="https://www.tradingview.com/" rel="noreferrer">TradingView</a> Lightweight Charts™, © TradingView, Inc.
        </p>
      </div>
      <p class="problem" role="status">{chart.problem}</p>
      <CandleTable app={app} />
    </section>
  );
}

/** The picture; its library is fetched behind the first paint. */
function Picture({ app, themeName, canvas }: { app: App; themeName: Signal<string>; canvas: { current: Canvas | null } }): VNode {
  const { chart } = app;
  const place = useRef<HTMLDivElement>(null);
  const isReady = useSignal(false);
  const shown = useRef("");
  const candles = chart.candles.value;
  useEffect(() => {
    let isGone = false;
    void import("../shell/canvas.ts").then(({ Canvas }) => {
      if (isGone) return;
      canvas.current = new Canvas(place.current!, CALM.matches);
      isReady.value = true;
    });
    const paint = (): void => canvas.current?.paint();
    DARK.addEventListener("change", paint);
    return () => {
      isGone = true;
      DARK.removeEventListener("change", paint);
      canvas.current?.remove();
      canvas.current = null;
    };
  }, []);
  useEffect(() => canvas.current?.paint(), [themeName.value, isReady.value]);
  useEffect(() => {
    const which = `${chart.symbol.peek()} ${chart.period.peek()}`;
    if (!canvas.current) return;
    canvas.current.show(candles, candles.length > 0 && which !== shown.current);
    shown.current = candles.length ? which : "";
  }, [candles, isReady.value]);
  return (
    <div class="picture">
      <p class="wait">{candles.length ? "" : chart.isLoading.value ? "Reading the history …" : "No trade yet"}</p>
      <div ref={place} class="canvas" role="img" aria-label={candleText(chart.symbol.value, periodText(chart.period.value), candles, priceText)} />
    </div>
  );
}

/** The same for who cannot see the picture: made only while it is open. */
function CandleTable({ app: { chart } }: { app: App }): VNode {
  const isOpen = useSignal(false);
  const rows = isOpen.value ? chart.candles.value.slice(-ROWS_MAX).reverse() : [];
  return (
    <details onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>Candles as a table</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="Newest candles">
        <table id="candles">
          <thead><tr>{["Start", "Open", "High", "Low", "Close"].map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
          <tbody>
            {rows.map(({ time, open, high, low, close }) => (
              <tr key={time} data-time={time}>
                <th scope="row">{new Date(time * 1000).toTimeString().slice(0, 8)}</th>
                {[open, high, low, close].map((price, place) => <td key={place}>{priceText(price)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
