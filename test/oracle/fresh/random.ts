/** A source of random numbers that a label determines: equal labels give equal sequences, on every machine and for ever. */
export class Random {
  readonly #label: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(label: string) {
    this.#label = label;
    [this.#a, this.#b, this.#c] = [hash(label, 0), hash(label, 1), hash(label, 2)];
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** A source of its own: what is drawn from it changes nothing of what is drawn from this one. */
  fork(label: string): Random {
    return new Random(`${this.#label}/${label}`);
  }

  /** A whole number from 0 to `below`, exclusive. */
  int(below: number): number {
    return Math.floor((this.#next() / 2 ** 32) * below);
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.#next() / 2 ** 32 < probability;
  }

  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.int(items.length)] ?? items[0];
  }

  /** One of the items; undefined where there are none. */
  pickAny<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)];
  }

  /** The items in another order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): readonly T[] {
    const rest = [...items];
    return items.flatMap(() => rest.splice(this.int(rest.length), 1));
  }

  /** The next 32 bits: sfc32 of Chris Doty-Humphrey, in the public domain. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** FNV-1a of a text, started differently for each word of a state. */
function hash(text: string, word: number): number {
  let value = 0x811c9dc5 ^ (word * 0x9e3779b9);
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value | 0;
}
