import type { Severity } from '../analysis/finding.ts';
import type { Origin, ReadLine } from './origin.ts';
import { printable } from './printable.ts';
import type { Look } from './style.ts';

/** What a frame is drawn with. */
export interface CodeFrameOptions extends Look {
  readonly readLine: ReadLine;
  /** How bad what is marked is. */
  readonly severity: Severity;
}

/** Lines are no longer than this even where there is room: they are generated, and nobody reads them. */
const maxLineLength = 160;

/** The line of a place between its neighbours, with a mark below the word; nothing where the text is not known. */
export function codeFrame(origin: Origin, { readLine, severity, style, width }: CodeFrameOptions): string[] {
  const text = readLine(origin.file, origin.line);
  if (text === undefined) return [];
  const digits = String(origin.line + 1).length;
  const gutter = (number: string): string => style.dim(`${number.padStart(digits)} │`);
  const room = Math.min(maxLineLength, width - digits - ' │ '.length);
  const start = firstShown(text.length, origin.column - 1, room);
  const neighbour = (line: number): string[] => {
    const shown = start > 0 ? undefined : readLine(origin.file, line);
    return shown === undefined || !/\w/.test(shown)
      ? []
      : [`${gutter(String(line))} ${style.dim(cut(shown, 0, room))}`];
  };
  const markAt = origin.column - 1 - start;
  const mark = '^'.repeat(Math.min(markLength(text.slice(origin.column - 1)), Math.max(room - markAt, 1)));
  return [
    ...neighbour(origin.line - 1),
    `${gutter(String(origin.line))} ${cut(text, start, room)}`,
    `${gutter('')} ${' '.repeat(markAt)}${style.severity[severity](mark)}`,
    ...neighbour(origin.line + 1),
  ];
}

/** From where a long line is shown, so that the place is in sight. */
function firstShown(length: number, place: number, room: number): number {
  return length <= room || place < room / 2 ? 0 : place - Math.floor(room / 3);
}

/** A part of a line that fits; what is left out shows as `…`. A tab takes one place, so that the mark stands below its word. */
function cut(text: string, start: number, room: number): string {
  const shown = printable(text).slice(start, start + room);
  const head = start > 0 ? `…${shown.slice(1)}` : shown;
  return start + room < text.length ? `${head.slice(0, -1)}…` : head;
}

/** As long as the word that stands there: the key, or the item of a list. */
function markLength(rest: string): number {
  return /^[^\s:,\]}]+/.exec(rest)?.[0].length ?? 1;
}
