// The live watchlist in the document.

import {
  Outages, Recent, Row, SYMBOLS_MAX, Told, ageText, badge, changeText, countText, delayText, feedText, gapText,
  isPast, missedText, percentText, priceText, readSymbols,
} from "./rules.mjs";
import { Stream } from "./stream.mjs";

const SYMBOLS = ["AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOGL", "META", "QQQ", "AMD", "NFLX", "IWM"];
const DELAYED = "delayed only"; // of any kind: then the others do not matter
const DENIALS = { ENT_DELAYED: DELAYED };

const find = (id) => document.getElementById(id);

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The token that the hub tells whoever can only be on its own machine; else empty. */
const demoToken = () => document.querySelector('meta[name="tapewire-demo-token"]').content;

class Page {
  #lines = new Map(); // symbol → {row, cells, element}
  #recent = new Recent();
  #outages = new Outages();
  #missed = new Told();
  #gap = new Told();
  #newestMs = null;
  #quietSince = null; // the newest tick came, or the connection began
  #stream = null;
  #frame = 0;

  constructor() {
    const asked = new URLSearchParams(location.search).get("symbols");
    for (const symbol of asked === null ? SYMBOLS : readSymbols(asked)) this.#addLine(symbol);
    find("sign-in").onsubmit = (event) => this.#signedIn(event);
    find("add").onsubmit = (event) => this.#added(event);
    find("sign-out").onclick = () => this.signIn("");
    document.onvisibilitychange = () => document.hidden || this.#stream?.probe();
    addEventListener("online", () => this.#stream?.probe());
    setInterval(() => this.#second(), 1000);
    setInterval(() => this.#stream?.ping(), 10_000);
    this.#begin();
  }

  get symbols() { return [...this.#lines.keys()]; }

  state(name, text) {
    find("connection").dataset.is = name;
    setText(find("connection"), text);
    this.#quietSince = name === "live" ? Date.now() : null;
  }

  /** Why there is no connection; empty when there is. */
  failed(text) { setText(find("failure"), text); }

  feedEvent(event, fresh) { this.#outages.take(event, fresh); }

  tick(tick, fresh, now) {
    const { clock, continuity } = this.#stream;
    const hubNow = now + clock.ahead;
    const eventMs = tick.ts / 1000;
    const tells = fresh && !continuity.behind.size && !isPast(tick);
    this.#recent.add(now, tells ? hubNow - eventMs : null, fresh);
    this.#newestMs = Math.max(this.#newestMs, eventMs);
    if (fresh) this.#quietSince = now;
    this.#lines.get(tick.c.slice(tick.c.indexOf(":") + 1))?.row.take(tick, fresh, hubNow);
    this.#draw();
  }

  /** What was asked for may be had, apart from what is denied: `[{symbol, code}]`. */
  granted(symbols, denied) {
    for (const symbol of symbols) this.#deny(symbol, "");
    for (const { symbol, code } of denied) {
      if (code === "UNKNOWN_SYMBOL") {
        this.problem(`${symbol} is no symbol.`);
        this.#remove(symbol);
      } else this.#deny(symbol, DENIALS[code] ?? "not entitled");
    }
  }

  #deny(symbol, why) {
    const row = this.#lines.get(symbol)?.row;
    if (row && (!why || row.denied !== DELAYED)) row.denied = why;
  }

  problem(text) { setText(find("problem"), text); }

  signIn(problem) {
    this.#stream?.close();
    this.#stream = null;
    sessionStorage.removeItem("tapewire-token");
    this.#show(false);
    this.failed("");
    this.state("refused", "Not connected");
    setText(find("sign-in-problem"), problem);
    find("token").value = demoToken();
    find("token").focus();
  }

  #signedIn(event) {
    event.preventDefault();
    sessionStorage.setItem("tapewire-token", find("token").value.trim());
    this.#begin();
  }

  #begin() {
    const token = sessionStorage.getItem("tapewire-token") || demoToken();
    if (!token) return this.signIn("");
    this.#show(true);
    this.state("connecting", "Connecting");
    this.#stream = new Stream(this, token);
    return this.#stream.open();
  }

  #show(isSignedIn) {
    find("sign-in").hidden = isSignedIn;
    for (const id of ["feed", "notices", "market", "figures"]) find(id).hidden = !isSignedIn;
  }

  #added(event) {
    event.preventDefault();
    const input = find("symbol");
    const room = SYMBOLS_MAX - this.#lines.size;
    const fresh = readSymbols(input.value).filter((symbol) => !this.#lines.has(symbol)).slice(0, room);
    this.problem(room ? "" : `No more than ${SYMBOLS_MAX}.`);
    for (const symbol of fresh) this.#addLine(symbol);
    if (fresh.length) this.#stream.add(fresh);
    input.value = "";
    this.#remember();
  }

  #addLine(symbol) {
    const element = find("row").content.firstElementChild.cloneNode(true);
    const cells = Object.fromEntries([...element.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
    setText(cells.symbol, symbol);
    cells.remove.setAttribute("aria-label", `Remove ${symbol}`);
    cells.remove.onclick = () => {
      const neighbour = element.nextElementSibling ?? element.previousElementSibling;
      this.#remove(symbol);
      (neighbour?.querySelector("button") ?? find("symbol")).focus();
    };
    this.#lines.set(symbol, { row: new Row(), cells, element });
    find("rows").append(element);
    this.#draw();
  }

  #remove(symbol) {
    this.#lines.get(symbol)?.element.remove();
    this.#lines.delete(symbol);
    this.#stream.remove(symbol);
    this.#remember();
  }

  /** Keep the list in the address: it survives a reload, and can be shared. */
  #remember() {
    history.replaceState(null, "", `?symbols=${this.symbols.map(encodeURIComponent).join(",")}`);
  }

  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const now = Date.now() + (this.#stream?.clock.ahead ?? 0);
      for (const { row, cells } of this.#lines.values()) this.#drawLine(row, cells, now);
    });
  }

  #drawLine(row, cells, hubNow) {
    const { change } = row;
    setText(cells.note, row.denied || row.note);
    setText(cells.last, priceText(row.last));
    setText(cells.arrow, change > 0 ? "▲" : change < 0 ? "▼" : "");
    setText(cells.change, changeText(change));
    setText(cells.percent, percentText(change, row.first));
    cells.move.dataset.direction = Math.sign(change);
    setText(cells.bid, priceText(row.bid));
    setText(cells.ask, priceText(row.ask));
    setText(cells.ticks, countText(row.ticks));
    setText(cells.age, ageText(row.age(hubNow)));
  }

  #second() {
    const now = Date.now();
    const stream = this.#stream;
    stream?.tend(now);
    if (!stream || document.hidden) return;
    this.#draw();
    const sum = this.#recent.sum(now);
    const [feed, words] = badge([...this.#lines.values()].map(({ row }) => row.feed), sum.p50);
    find("feed").dataset.is = feed;
    setText(find("feed"), words);
    const newest = this.#newestMs;
    const recorded = feed === "replay" && new Date(newest).toISOString().slice(0, 19);
    setText(find("newest"), recorded || ageText(newest && Math.max(0, now + stream.clock.ahead - newest)));
    this.#drawFigures(sum, stream.continuity);
    this.#drawNotices(stream.continuity, now);
  }

  #drawNotices({ gap }, now) {
    const { symbols } = this;
    setText(find("outage"), feedText(this.#outages, symbols, this.#quietSince, now));
    setText(find("missed"), this.#missed.say(missedText(this.#outages, symbols, now), now));
    setText(find("gap"), this.#gap.say(gapText(gap), now));
  }

  #drawFigures({ messages, ticks, p50, p99 }, { holes, gaps, mark }) {
    setText(find("delay"), `${delayText(p50)} / ${delayText(p99)}`);
    setText(find("rate"), `${countText(messages)} / ${countText(ticks)}`);
    setText(find("holes"), `${holes} / ${gaps}`);
    find("holes").classList.toggle("problem", holes > 0);
    setText(find("mark"), String(mark ?? "–"));
  }
}

new Page();
