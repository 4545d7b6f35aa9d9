// Alerts and rings: asked for over HTTP, rung by the stream.

import { batch, signal } from "@preact/signals";
import {
  alertBody, draftProblem, ringText, Rings, ruleText, type Alert, type Draft, type Fire,
} from "../core/alerts.ts";
import { Announcer } from "../core/rules.ts";
import { ApiError, type Api } from "./api.ts";

const RING_SPEAK_MS = 3_000; // rings that come closer together are told as one
const RINGS_ASKED = 20;
const RELOAD_MS = 5_000; // distances and states are looked up no more often

export class Alerts {
  readonly list = signal<Alert[]>([]);
  readonly rings = signal<Fire[]>([]);
  readonly fresh = signal(0); // rings that nobody has dismissed
  readonly spoken = signal("");
  readonly problem = signal("");
  readonly done = signal("");
  readonly isThere = signal(true);
  readonly isBusy = signal(false);
  #rings = new Rings();
  #open = new Set<string>(); // event ids
  #announcer = new Announcer(RING_SPEAK_MS);
  #loadedMs = 0;
  #isStale = false;
  #pending = 0; // changes that have no answer yet

  constructor(private readonly api: () => Api | null, private readonly acknowledge: (off: number) => void) {}

  /** Ask what there is: at the start, and after each time away. */
  async load(): Promise<void> {
    const api = this.api();
    if (!api) return;
    this.#loadedMs = Date.now();
    this.#isStale = false;
    try {
      const { alerts = [] } = await api.get<{ alerts?: Alert[] }>("alerts");
      const { fires = [] } = await api.get<{ fires?: Fire[] }>("fires", { limit: String(RINGS_ASKED) });
      for (const fire of fires) this.#rings.take(fire);
      batch(() => {
        this.isThere.value = true;
        this.list.value = alerts;
        this.rings.value = this.#rings.list();
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.isAbsent) this.isThere.value = false;
      else if (error.status === 503) this.#isStale = true; // catching up with the tape: ask again
      else if (error.status !== null) this.problem.value = error.message;
    }
  }

  /** Set what the form holds; whether that has been done. */
  async set(draft: Draft, price: number | null): Promise<boolean> {
    const problem = draftProblem(draft);
    this.done.value = "";
    this.problem.value = problem;
    if (problem) return false;
    return this.#change(async (api) => {
      const made = await api.post<Alert>("alerts", alertBody(draft, price));
      this.list.value = [made, ...this.list.peek().filter(({ id }) => id !== made.id)];
      this.done.value = `Set: ${ruleText(made)}.`;
    });
  }

  remove(alert: Alert): Promise<boolean> {
    return this.#change(async (api) => {
      try {
        await api.remove(`alerts/${encodeURIComponent(alert.id)}`);
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) throw error; // else somebody was quicker
      }
      this.list.value = this.list.peek().filter(({ id }) => id !== alert.id);
      this.done.value = `Removed: ${ruleText(alert)}.`;
    });
  }

  /** A ring has come over the stream: show it, say it, and tell the hub that it is here. */
  ring(fire: Fire): void {
    if (this.#rings.take(fire)) this.#open.add(fire.event_id);
    this.rings.value = this.#rings.list();
    this.#count();
    this.#announcer.say(this.#open.size > 1 ? `${this.#open.size} alerts have rung. ${ringText(fire, Date.now())}` : ringText(fire, Date.now()));
    if (fire.off !== undefined) this.acknowledge(fire.off);
    this.#isStale = true;
  }

  isOpen(fire: Fire): boolean { return this.#open.has(fire.event_id); }

  dismiss(fire: Fire): void {
    this.#open.delete(fire.event_id);
    this.rings.value = this.#rings.list();
    this.#count();
  }

  /** Once a second. */
  second(now: number): void {
    this.spoken.value = this.#announcer.due(now) || this.spoken.peek();
    if (this.#isStale && now - this.#loadedMs > RELOAD_MS) void this.load();
  }

  async #change(task: (api: Api) => Promise<void>): Promise<boolean> {
    const api = this.api();
    if (!api) return false;
    this.#pending += 1;
    this.isBusy.value = true;
    try {
      await task(api);
      this.problem.value = "";
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem.value = error.message;
      if (error.isAbsent) this.isThere.value = false;
      return false;
    } finally {
      this.#pending -= 1;
      this.isBusy.value = this.#pending > 0;
    }
  }

  #count(): void {
    this.fresh.value = this.#open.size;
    document.title = this.#open.size ? `(${this.#open.size}) tapewire` : "tapewire";
  }
}

