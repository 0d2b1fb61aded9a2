/** One figure of the design's table (§10), as it was measured. */
export interface Figure {
  readonly name: string;
  /** `≤ 50 ms`. */
  readonly target: string;
  readonly measured: string;
  readonly isMet: boolean;
  /** Where the time, or the memory, goes; asked for where the target is missed. */
  readonly explain?: () => string | Promise<string>;
}

/** A figure that is to stay below a limit, or with `'≥'` above it. */
export function figure(
  name: string,
  measured: number,
  comparison: '≤' | '≥',
  limit: number,
  unit: 'ms' | 's' | 'MiB' | '×',
  explain?: Figure['explain'],
): Figure {
  return {
    name,
    target: `${comparison} ${limit} ${unit}`,
    measured: `${rounded(measured)} ${unit}`,
    isMet: comparison === '≤' ? measured <= limit : measured >= limit,
    ...(explain && { explain }),
  };
}

/** Three digits that mean something. */
function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Prints figures as one table, and a line about each that is missed. Resolves with whether all are met. */
export async function printFigures(figures: readonly Figure[], write: (line: string) => void): Promise<boolean> {
  const rows = [
    ['figure', 'target', 'measured', ''],
    ...figures.map(({ name, target, measured, isMet }) => [name, target, measured, isMet ? 'ok' : 'MISS']),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    write(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  for (const { name, isMet, explain } of figures) {
    if (!isMet && explain !== undefined) write(`MISS ${name}: ${await explain()}`);
  }
  return figures.every(({ isMet }) => isMet);
}
