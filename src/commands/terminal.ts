import { colourStyle, type Look, plainStyle, type Style } from '../report/style.ts';

/** Where text goes. */
export interface Sink {
  readonly isTerminal: boolean;
  /** Characters in a line; undefined where there are no lines of a terminal. */
  readonly columns: number | undefined;
  /** Resolves when the text is taken. A reader that has gone away is no error. */
  write(text: string): Promise<void>;
}

/** All that a command touches of the world. */
export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Characters in a line where there is no terminal. */
const defaultColumns = 120;

/** Bytes are handed on in pieces of about this size: enough for a pipe, and no string of the whole report. */
const chunkLength = 65_536;

/** Colours on a terminal only; `NO_COLOR` switches them off, `FORCE_COLOR` on. Source: https://no-color.org, https://force-color.org */
export function styleOf(sink: Sink, env: Terminal['env']): Style {
  if (env['NO_COLOR']) return plainStyle;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return colourStyle;
  return sink.isTerminal && env['TERM'] !== 'dumb' ? colourStyle : plainStyle;
}

/** Characters in a line: as the terminal has it, else as `COLUMNS` says. */
export function widthOf(sink: Sink, env: Terminal['env']): number {
  return sink.columns ?? (Number(env['COLUMNS']) || defaultColumns);
}

/** How wide and how colourful text on a sink may be. */
export function lookOf(sink: Sink, env: Terminal['env']): Look {
  return { style: styleOf(sink, env), width: widthOf(sink, env) };
}

/** Writes text that comes in small pieces. */
export async function writeAll(sink: Sink, pieces: Iterable<string>): Promise<void> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < chunkLength) continue;
    await sink.write(chunk);
    chunk = '';
  }
  if (chunk !== '') await sink.write(chunk);
}

/** Tells something that is no result. */
export async function writeNotes(terminal: Terminal, notes: readonly string[]): Promise<void> {
  const { dim } = styleOf(terminal.stderr, terminal.env);
  for (const note of notes) await terminal.stderr.write(`${dim(`note: ${note}`)}\n`);
}
