import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../input-error.ts';
import { readText } from './read-files.ts';

/** What to watch, and whom to tell. */
export interface WatchTextOptions {
  readonly file: string;
  readonly cwd: string;
  /** The text that is in use already; undefined where the file did not exist, and may come later. */
  readonly text: string | undefined;
  /** Takes over the new text. An InputError that it throws says that the text cannot be used. */
  readonly use: (text: string) => void;
  /** Called when the file, or its text, cannot be used, once for each reason. */
  readonly onError: (error: InputError) => void;
  /** Called once when it can be used again. */
  readonly onRecovery: () => void;
  /** Time between two looks, in milliseconds; default 1,000. */
  readonly interval?: number;
}

/** A small file that is being watched. */
export interface WatchedText {
  /** Looks at the file now. */
  refresh(): void;
  close(): void;
}

/**
 * Follows the text of one small file. It is looked at again and again: a mounted ConfigMap, an editor and a redirection each change a
 * file in another way, and only looking notices them all.
 */
export function watchText(options: WatchTextOptions): WatchedText {
  const { file, cwd, use, onError, onRecovery, interval = 1_000 } = options;
  let known = options.text;
  let problem: string | undefined;
  const refresh = (): void => {
    if (known === undefined && !existsSync(resolve(cwd, file))) return;
    try {
      const text = readText(file, cwd);
      if (text !== known) use(text);
      known = text;
      if (problem !== undefined) onRecovery();
      problem = undefined;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (problem !== error.message) onError(error);
      problem = error.message;
    }
  };
  const timer = setInterval(refresh, interval).unref();
  return { refresh, close: () => clearInterval(timer) };
}
