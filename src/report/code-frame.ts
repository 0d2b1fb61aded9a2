import type { Origin, ReadLine } from './origin.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** Longer lines are cut: they are generated, and nobody reads them. */
const maxLineLength = 160;

/** The line of a place with a mark below it, indented; nothing where the text is not known. */
export function codeFrame(origin: Origin, readLine: ReadLine, style: Style): string[] {
  const text = readLine(origin.file, origin.line);
  if (text === undefined || origin.column > maxLineLength) return [];
  const number = String(origin.line);
  const gutter = ' '.repeat(number.length);
  const shown = printable(text); // a tab takes one place, so that the mark stands below its word
  const mark = '^'.repeat(markLength(text.slice(origin.column - 1)));
  return [
    `  ${style.dim(`${number} │`)} ${shown.length > maxLineLength ? `${shown.slice(0, maxLineLength)}…` : shown}`,
    `  ${style.dim(`${gutter} │`)} ${' '.repeat(origin.column - 1)}${style.severity.error(mark)}`,
  ];
}

/** As long as the word that stands there: the key, or the item of a list. */
function markLength(rest: string): number {
  return Math.min(/^[^\s:,\]}]+/.exec(rest)?.[0].length ?? 1, maxLineLength);
}
