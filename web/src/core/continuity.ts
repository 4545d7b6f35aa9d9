// Is the stream complete? The client's rule of the native protocol, per channel and epoch.

import type { Message, Place } from "./wire.ts";

interface Channel {
  sub: number;
  epoch: number;
  n: number | null; // null: anything may come next
}

/** Drop `n <= last`, accept `n - k <= last`, anything else is a hole. Gaps that the hub declares are
 *  counted apart. */
export class Continuity {
  holes = 0;
  gaps = 0;
  gap: Message | null = null; // the newest that was declared
  channels = new Map<string, Channel>();
  mark: number | null = null; // where to resume: everything up to it is here, or was declared
  epoch: number | null = null;
  foreign = false; // our numbers are not of the hub's tape
  behind = new Set<number>(); // subs that resume and have no certificate yet

  reset(): void {
    this.channels = new Map();
    this.mark = null;
    this.epoch = null;
    this.foreign = false;
    this.behind = new Set();
  }

  /** Take one message; return how many ticks it brings that were not here yet. */
  take(message: Message): number {
    const { op, id, c, n = 0, e, k = 1 } = message;
    const channel = c === undefined ? undefined : this.channels.get(c);
    if (op === "mark") this.mark = message.m ?? this.mark;
    else if (op === "ok") this.#begin(id ?? 0, e ?? 0, message.chans ?? {});
    else if (op === "cont") this.#certify(message);
    else if (op === "gap") {
      this.gaps += 1;
      this.gap = message;
      this.#void(id);
    } else if (op === "epoch") {
      this.epoch = e ?? this.epoch;
      this.#void(id, e);
    } else if (op === "snap" && channel) channel.n = Math.max(n, channel.n ?? n);
    else if (op.length === 1 && channel) { // a tick: their ops are letters
      const last = channel.n ?? n - k;
      if (n <= last) return 0;
      if (n - k > last) this.holes += 1;
      channel.n = n;
      return Math.min(k, n - last);
    }
    return 0;
  }

  /** A channel comes by another subscription from now on. */
  move(name: string, sub: number): void {
    const channel = this.channels.get(name);
    if (channel) channel.sub = sub;
  }

  #begin(sub: number, epoch: number, starts: Record<string, Place>): void {
    this.epoch = Math.max(this.epoch ?? 0, epoch);
    for (const [name, { n }] of Object.entries(starts)) {
      const known = this.channels.get(name);
      // Without a number it goes on behind what we have of the same epoch.
      this.channels.set(name, { sub, epoch, n: n ?? (known?.epoch === epoch ? known.n : null) });
    }
  }

  #void(sub: number | undefined, epoch?: number): void {
    for (const channel of this.channels.values()) {
      if (sub !== undefined && channel.sub !== sub) continue;
      channel.n = null;
      channel.epoch = epoch ?? channel.epoch;
    }
  }

  #certify({ id, more, chans = {} }: Message): void {
    if (!more && id !== undefined) this.behind.delete(id);
    for (const [name, { to = Infinity }] of Object.entries(chans)) {
      const channel = this.channels.get(name);
      // Another subscription to the same channel may be further than this one.
      if (channel?.sub === id) this.foreign ||= to < (channel?.n ?? 0);
    }
  }
}
