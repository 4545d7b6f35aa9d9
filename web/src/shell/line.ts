// One line of the watchlist: what is known of a symbol, and what is shown of it.

import { signal } from "@preact/signals";
import { Row } from "../core/rules.ts";
import { ageText, changeText, countText, percentText, priceText, sparkPath } from "../core/words.ts";

export const SPARK_WIDTH = 64;
export const SPARK_HEIGHT = 20;

/** Each cell is a signal, so that a tick changes one text and nothing else is compared. */
export class Line {
  row = new Row();
  readonly note = signal("");
  readonly last = signal("–");
  readonly arrow = signal("");
  readonly change = signal("–");
  readonly percent = signal("");
  readonly direction = signal(0);
  readonly bid = signal("–");
  readonly ask = signal("–");
  readonly ticks = signal("0");
  readonly age = signal("–");
  readonly spark = signal("");
  readonly flash = signal(""); // changes with each price: the direction, and one of two names for the same look
  #shown: number | null = null;

  constructor(readonly symbol: string) {}

  /** Show what is known; `hubNow` is the hub's time, ms. */
  draw(hubNow: number): void {
    const { row } = this;
    const { change, last } = row;
    if (last !== this.#shown) {
      if (last !== null && this.#shown !== null) {
        this.flash.value = `${last > this.#shown ? "up" : "down"}-${this.flash.peek().endsWith("a") ? "b" : "a"}`;
      }
      this.#shown = last;
    }
    this.note.value = row.denied || row.note;
    this.last.value = priceText(last);
    this.direction.value = Math.sign(change ?? 0);
    this.arrow.value = change === null || change === 0 ? "" : change > 0 ? "▲" : "▼";
    this.change.value = changeText(change);
    this.percent.value = percentText(change, row.first);
    this.bid.value = priceText(row.bid);
    this.ask.value = priceText(row.ask);
    this.ticks.value = countText(row.ticks);
    this.age.value = ageText(row.age(hubNow));
    this.spark.value = sparkPath(row.spark, SPARK_WIDTH, SPARK_HEIGHT);
  }
}
