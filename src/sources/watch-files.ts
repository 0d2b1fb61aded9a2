import { createHash } from 'node:crypto';
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../input-error.ts';
import { idOf, keptIdOf, type Resource, refOf } from '../istio/resources.ts';
import { diffResources, type ResourceChange } from './diff-resources.ts';
import { findFiles, standardInput } from './find-files.ts';
import { type ParsedFile, parseKeptFile } from './parse-file.ts';
import { readText } from './read-files.ts';
import { type Input, readInput } from './read-input.ts';

/** What to watch, and whom to tell. */
export interface WatchFilesOptions {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** Called with what changed, in the order in which it is to be applied; never with an empty list. */
  readonly onChanges: (changes: readonly ResourceChange[]) => void;
  /** Called when the files become unreadable, once for each reason; the last good state stays. */
  readonly onError: (error: InputError) => void;
  /** Called once when they are readable again. */
  readonly onRecovery: () => void;
  /** Quiet time after a file event, in milliseconds: editors and `git checkout` write in bursts. */
  readonly debounce?: number;
  /** Time between two looks at the files, in milliseconds: not every file system tells of its changes. */
  readonly pollInterval?: number;
}

/** What files say; not where, as nobody asks for lines of files that change. */
type WatchedInput = Pick<Input, 'resources' | 'notes'>;

/** Files that are being watched. */
export interface WatchedFiles {
  /** What the files said when they could last be read. */
  readonly input: WatchedInput;
  /** Looks at the files now. */
  refresh(): void;
  close(): void;
}

/** Reads files, and reads them again whenever they change. Throws an InputError if they cannot be read to begin with. */
export function watchFiles(options: WatchFilesOptions): WatchedFiles {
  if (options.paths.includes(standardInput))
    throw new InputError('standard input cannot be watched; name files or folders');
  return new Watch(options);
}

/** A file as it was parsed last, with the digest of its text instead of the text. */
interface KnownFile {
  readonly digest: string;
  readonly parsed: Omit<ParsedFile, 'text'>;
}

class Watch implements WatchedFiles {
  input: WatchedInput;
  readonly #options: WatchFilesOptions;
  readonly #watchers: FSWatcher[] = [];
  readonly #poll: NodeJS.Timeout;
  #known: ReadonlyMap<string, KnownFile> = new Map();
  #resources: ReadonlyMap<string, Resource>;
  #signature = '';
  /** Why the files cannot be read at present. */
  #problem: string | undefined;
  #pending: NodeJS.Timeout | undefined;

  constructor(options: WatchFilesOptions) {
    this.#options = options;
    this.input = this.#read();
    this.#resources = new Map(this.input.resources.map((resource) => [keptIdOf(resource), resource]));
    for (const path of options.paths) this.#watch(resolve(options.cwd, path));
    this.#poll = setInterval(() => this.#look(), options.pollInterval ?? 10_000).unref();
  }

  refresh(): void {
    clearTimeout(this.#pending);
    try {
      this.#adopt(this.#read());
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (this.#problem !== error.message) this.#options.onError(error);
      this.#problem = error.message;
    }
  }

  close(): void {
    clearTimeout(this.#pending);
    clearInterval(this.#poll);
    for (const watcher of this.#watchers) watcher.close();
  }

  #adopt(input: WatchedInput): void {
    if (this.#problem !== undefined) this.#options.onRecovery();
    this.#problem = undefined;
    this.input = input;
    const changes = diffResources(this.#resources.values(), input.resources);
    if (changes.length === 0) return;
    this.#resources = applyChanges(this.#resources, changes);
    this.#options.onChanges(changes);
  }

  /** Reads all files; only those whose text is new are parsed. */
  #read(): WatchedInput {
    const { paths, cwd } = this.#options;
    const files = findFiles(paths, cwd);
    this.#signature = signatureOf(files, cwd);
    const known = new Map<string, KnownFile>();
    const { resources, notes } = readInput(this.#parseEach(files, known));
    this.#known = known;
    return { resources, notes };
  }

  *#parseEach(files: readonly string[], known: Map<string, KnownFile>): Generator<ParsedFile> {
    for (const file of files) {
      const text = readText(file, this.#options.cwd);
      const digest = createHash('sha256').update(text).digest('base64');
      const before = this.#known.get(file);
      const { text: _, ...parsed } = before?.digest === digest ? { ...before.parsed, text } : parseKeptFile(file, text);
      known.set(file, { digest, parsed });
      yield { ...parsed, text };
    }
  }

  /** A file is watched through its folder: editors replace files, and a watch on the file would stay with the old one. */
  #watch(path: string): void {
    const isFolder = statSync(path).isDirectory();
    try {
      const watcher = watch(isFolder ? path : dirname(path), { recursive: isFolder, persistent: false }, () =>
        this.#schedule(),
      );
      watcher.on('error', () => watcher.close()); // polling goes on
      this.#watchers.push(watcher);
    } catch {
      // No more watches on this machine, or none on this file system: polling goes on.
    }
  }

  #schedule(): void {
    clearTimeout(this.#pending);
    this.#pending = setTimeout(() => this.refresh(), this.#options.debounce ?? 100).unref();
  }

  #look(): void {
    const { paths, cwd } = this.#options;
    if (this.#problem !== undefined || signatureOrNothing(paths, cwd) !== this.#signature) this.refresh();
  }
}

function applyChanges(
  resources: ReadonlyMap<string, Resource>,
  changes: readonly ResourceChange[],
): ReadonlyMap<string, Resource> {
  const applied = new Map(resources);
  for (const change of changes) {
    if (change.operation === 'DELETE') applied.delete(idOf(refOf(change.oldObject)));
    else applied.set(idOf(refOf(change.object)), change.object);
  }
  return applied;
}

function signatureOrNothing(paths: readonly string[], cwd: string): string {
  try {
    return signatureOf(findFiles(paths, cwd), cwd);
  } catch (error) {
    if (error instanceof InputError) return ''; // refresh says what is wrong
    throw error;
  }
}

function signatureOf(files: readonly string[], cwd: string): string {
  return files
    .map((file) => {
      const stats = statSync(resolve(cwd, file), { throwIfNoEntry: false });
      return `${file} ${stats?.ino} ${stats?.size} ${stats?.mtimeMs}`;
    })
    .join('\n');
}
