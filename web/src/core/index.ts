// Everything that is pure, in one place: what the tests drive.

export * from "./alerts.ts";
export * from "./candles.ts";
export * from "./continuity.ts";
export * from "./rules.ts";
export * from "./snippets.ts";
export * from "./wire.ts";
export * from "./words.ts";
