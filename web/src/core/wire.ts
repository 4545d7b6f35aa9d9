// What the hub says, as far as the page reads it. Keys are those of docs/wire.md.

/** One message of the stream, of any kind; which keys are there depends on `op`. */
export interface Message {
  op: string;
  id?: number;
  c?: string; // channel
  n?: number; // number in the channel
  k?: number; // ticks it stands for; absent 1
  e?: number; // epoch
  m?: number; // mark
  chans?: Record<string, Place>;
  more?: boolean;
  denied?: Denial[];
  tick?: Tick;
  from?: number;
  to?: number;
  why?: string;
  class?: string;
  code?: string;
  msg?: string;
  hint?: string;
  ct?: number;
  st?: number | string;
  ping_s?: number;
  reconnect?: Bounds;
  after?: [number, number];
}

export interface Place {
  n?: number;
  to?: number;
}

export interface Denial {
  symbol: string;
  code: string;
}

/** How long to wait before coming back, ms. */
export interface Bounds {
  min: number;
  max: number;
  factor: number;
}

/** A market event as it is sent: prices are JSON numbers, `ts` is µs since 1970. */
export interface Tick {
  op: string;
  c: string;
  n: number;
  k?: number;
  ts: number;
  src?: string;
  fl?: number;
  px?: number;
  sz?: number;
  hi?: number;
  lo?: number;
  el?: number;
  bp?: number | null;
  ap?: number | null;
  bs?: number;
  as?: number;
  o?: number;
  h?: number;
  l?: number;
  cl?: number;
  v?: number;
  rev?: number;
  fin?: boolean;
  wh?: string;
  st?: string;
  why?: string;
  sc?: string;
  ls?: number;
  fts?: number;
  tts?: number;
}

/** The symbol of a channel: `AAPL` of `t:AAPL`. */
export const symbolOf = (channel: string): string => channel.slice(channel.indexOf(":") + 1);
