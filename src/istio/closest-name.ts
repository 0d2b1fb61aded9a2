/** One typing error in this many characters still counts as the same name. */
const charactersPerTypo = 4;

/**
 * The candidate that `name` most likely stands for: the same but for case, `_` and `-`, or else a few typing errors away.
 * Undefined if none is near; the first of several that are equally near.
 */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = normalise(name);
  let closest: string | undefined;
  let fewest = Math.max(1, Math.floor(wanted.length / charactersPerTypo)) + 1;
  for (const candidate of candidates) {
    const known = normalise(candidate);
    if (Math.abs(known.length - wanted.length) >= fewest) continue; // also bounds the cost of absurdly long names
    const typos = editDistance(wanted, known);
    if (typos >= fewest) continue;
    closest = candidate;
    fewest = typos;
  }
  return closest;
}

function normalise(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

/** Insertions, deletions, substitutions and swaps of neighbours between two strings (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = a[row - 1] === b[column - 1] ? 0 : 1;
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + substitution,
        isSwap ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
