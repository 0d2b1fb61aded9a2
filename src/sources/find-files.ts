import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../input-error.ts';
import { compareText } from '../istio/resources.ts';

/** The path that stands for standard input. */
export const standardInput = '-';

const manifestName = /\.(ya?ml|json)$/i;

/**
 * Expands paths to files: a file stands for itself, whatever its name; a folder for all `*.yaml`, `*.yml` and `*.json` below it, in the
 * order of their names. Hidden entries, `node_modules` and links to folders are not followed, so that a mounted ConfigMap is not read
 * twice and no walk is endless. A file that several paths name is listed once. Throws an InputError for a path that leads nowhere.
 */
export function findFiles(paths: readonly string[], cwd: string): string[] {
  const found = new Map<string, string>();
  for (const path of paths) {
    for (const file of expand(path, cwd)) {
      const key = file === standardInput ? file : resolve(cwd, file);
      if (!found.has(key)) found.set(key, file);
    }
  }
  return [...found.values()];
}

function expand(path: string, cwd: string): string[] {
  if (path === standardInput) return [path];
  if (!isFolder(path, cwd)) return [path];
  const files = [...walk(path, cwd)];
  if (files.length === 0)
    throw new InputError('no *.yaml, *.yml or *.json file is in this folder; name another one', { file: path });
  return files;
}

function isFolder(path: string, cwd: string): boolean {
  try {
    return statSync(resolve(cwd, path)).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function* walk(folder: string, cwd: string): Generator<string> {
  const entries = entriesOf(folder, cwd).toSorted((a, b) => compareText(a.name, b.name));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, cwd);
    else if (manifestName.test(entry.name) && (entry.isFile() || isLinkToFile(entry, path, cwd))) yield path;
  }
}

function entriesOf(folder: string, cwd: string): Dirent[] {
  try {
    return readdirSync(resolve(cwd, folder), { withFileTypes: true });
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

function isLinkToFile(entry: Dirent, path: string, cwd: string): boolean {
  return entry.isSymbolicLink() && !isFolder(path, cwd);
}

/** The InputError for a file or folder that the operating system does not give. */
export function unreadable(path: string, cause: unknown): InputError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  const what =
    code === 'ENOENT'
      ? 'no such file or folder; check the path'
      : `cannot be read (${code}); check the path and its permissions`;
  return new InputError(what, { file: path }, { cause });
}
