const none: readonly never[] = [];

/** A list to be kept for long: one that grew, as those of `flatMap` and `filter` do, has room for sixteen more, which a copy has not. */
export function trimmed<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? none : list.slice();
}
