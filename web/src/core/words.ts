// Numbers and times in words. The direction is told by the sign, so that it needs no colour.

const digits = (least: number, most = least): ((value: number) => string) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most }).format;

export const countText = digits(0);
const twoText = digits(2);
const decimalText = digits(2, 9);

export const priceText = (price: number | null): string => (price === null ? "–" : decimalText(price));

const signed = (value: number, text: (value: number) => string): string =>
  (value > 0 ? "+" : value < 0 ? "−" : "") + text(Math.abs(value));

export const changeText = (change: number | null): string => (change === null ? "–" : signed(change, decimalText));

export const percentText = (change: number | null, first: number | null): string =>
  change === null || !first ? "" : `${signed(Math.round((change / first) * 10_000) / 100, twoText)} %`;

export const delayText = (ms: number | null): string => (ms === null ? "–" : `${countText(ms)} ms`);

export function ageText(ms: number | null): string {
  if (ms === null) return "–";
  for (const [unit, size] of [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]] as const) {
    if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
  }
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}

/** The time of day; of another day with its date. */
export function clockText(ms: number, now: number): string {
  const [then, today] = [new Date(ms), new Date(now)];
  const time = then.toTimeString().slice(0, 8);
  return then.toDateString() === today.toDateString() ? time : `${then.toLocaleDateString("en-CA")} ${time}`;
}

/** The points of a sparkline as an SVG path in a box of that size; empty for fewer than two prices. */
export function sparkPath(prices: readonly number[], width: number, height: number): string {
  if (prices.length < 2) return "";
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const y = (price: number): number => (high === low ? height / 2 : ((high - price) / (high - low)) * height);
  const x = (place: number): number => (place / (prices.length - 1)) * width;
  return `M${prices.map((price, place) => `${x(place).toFixed(1)} ${y(price).toFixed(1)}`).join("L")}`;
}
