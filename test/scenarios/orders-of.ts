/** Every order of a few items; where there are more than `max`, a sample of so many, the same in every run. */
export function ordersOf<T>(items: readonly T[], max: number): readonly (readonly T[])[] {
  const count = items.reduce((product, _, index) => product * (index + 1), 1);
  if (count <= max) return [...permutations(items)];
  return Array.from({ length: max }, (_, seed) => shuffled(items, seed));
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

/** An order that follows from the seed alone. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const ranked = items.map((item, index) => ({ item, rank: fraction(Math.sin((seed + 1) * 7919 + index) * 10_000) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

function fraction(value: number): number {
  return value - Math.floor(value);
}
