// Requests over HTTP. What is wrong with an answer is an `ApiError` in words.

import { apiProblem, hasNoAlerts } from "../core/alerts.ts";

const ANSWER_MS = 10_000;

/** A request that came to nothing; the message is for people. */
export class ApiError extends Error {
  constructor(readonly status: number | null, problem: Record<string, unknown> | null) {
    super(apiProblem(status, problem));
    this.isAbsent = hasNoAlerts(status, problem);
  }

  /** Of alerts: whether the hub has none at all, so that there is nothing to try again. */
  readonly isAbsent: boolean;
}

/** A key under which a request can be repeated without being done twice. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Api {
  constructor(private readonly token: string) {}

  /** The answer of `GET /v1/…`. */
  get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    return this.#ask<T>("GET", `${path}?${new URLSearchParams(query).toString()}`);
  }

  /** Likewise of a `POST`, which is safe to repeat: each call has a key of its own. */
  post<T>(path: string, body: object): Promise<T> {
    return this.#ask<T>("POST", path, JSON.stringify(body), { "Content-Type": "application/json", "Idempotency-Key": newKey() });
  }

  remove(path: string): Promise<void> { return this.#ask<void>("DELETE", path); }

  async #ask<T>(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<T> {
    const url = new URL(`v1/${path}`, document.baseURI);
    let answer: Response;
    try {
      answer = await fetch(url, {
        method, body, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS),
        headers: { ...headers, Authorization: `Bearer ${this.token}` },
      });
    } catch {
      throw new ApiError(null, null);
    }
    const isJson = answer.status !== 204 && (answer.headers.get("Content-Type")?.includes("json") ?? false);
    const told: unknown = isJson ? await answer.json() : null;
    if (!answer.ok) throw new ApiError(answer.status, told as Record<string, unknown> | null);
    return told as T;
  }
}
