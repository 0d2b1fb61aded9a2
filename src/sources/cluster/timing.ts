/** How patient reflectors are; milliseconds, if nothing else is said. */
export interface Timing {
  /** The pause after a failure, doubled with each that follows, up to `maxBackoff`; up to a quarter more or less. */
  readonly minBackoff: number;
  readonly maxBackoff: number;
  /** A server that asks to be left alone longer than this is asked again all the same. */
  readonly maxRetryAfter: number;
  /** A watch on which nothing came, not even a bookmark, is begun anew. */
  readonly stall: number;
  /** Seconds after which the server ends a watch, and as many more at random. */
  readonly watchSeconds: number;
  /** Two watches on which nothing comes are so far apart. */
  readonly rest: number;
  /** Between two full lists that are held against what watches have told. */
  readonly drift: number;
  /** Between two looks whether a kind exists by now. */
  readonly rediscovery: number;
  /** A page of a list, or the beginning of a watch, is waited for so long. */
  readonly answer: number;
}

/** As client-go has it where it has it: tools/cache/reflector.go `NewReflectorWithOptions`, `minWatchTimeout`. */
export const defaultTiming: Timing = {
  minBackoff: 800,
  maxBackoff: 30_000,
  maxRetryAfter: 120_000,
  stall: 90_000, // bookmarks come about every minute
  watchSeconds: 300,
  rest: 1_000,
  drift: 30 * 60_000,
  rediscovery: 30_000,
  answer: 60_000, // as long as the API server itself works at an answer
};

/** Pauses that grow. */
export class Backoff {
  readonly #timing: Timing;
  readonly #random: () => number;
  #failures = 0;

  constructor(timing: Timing, random: () => number) {
    this.#timing = timing;
    this.#random = random;
  }

  /** How long to wait after one more failure. */
  next(): number {
    const { minBackoff, maxBackoff } = this.#timing;
    const pause = Math.min(maxBackoff, minBackoff * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 32);
    return pause * (0.75 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
