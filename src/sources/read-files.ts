import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { findFiles, standardInput, unreadable } from './find-files.ts';
import { type ParsedFile, parseFile } from './parse-file.ts';
import { type Input, readInput } from './read-input.ts';

/** Where paths are looked up, and what `-` stands for. */
export interface FileAccess {
  readonly cwd: string;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
  /** Is told before each file how many are read, and of how many. */
  readonly onFile?: (read: number, all: number) => void;
}

/**
 * Reads all resources that paths name: files, folders, or `-` for standard input. Throws an InputError for a path that leads nowhere,
 * for text that is not YAML and for resources without a name.
 */
export async function readFiles(paths: readonly string[], access: FileAccess): Promise<Input> {
  const files = findFiles(paths, access.cwd);
  const stdin = files.includes(standardInput) ? await access.readStdin() : '';
  return readInput(parseEach(files, stdin, access));
}

function* parseEach(files: readonly string[], stdin: string, { cwd, onFile }: FileAccess): Generator<ParsedFile> {
  for (const [index, file] of files.entries()) {
    onFile?.(index, files.length);
    yield parseFile(file, file === standardInput ? stdin : readText(file, cwd));
  }
}

/** The text of one file. Throws an InputError where it cannot be read. */
export function readText(file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8'); // synchronous: thousands of small files are read twice as fast
  } catch (cause) {
    throw unreadable(file, cause);
  }
}
