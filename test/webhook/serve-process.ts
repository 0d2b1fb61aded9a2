import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '../../src/istio/json-object.ts';

/** How `serve` is started. */
export interface ServeProcessOptions {
  /** Further flags; ports, address and shutdown delay are set. */
  readonly flags: readonly string[];
  readonly cwd: string;
  /** What Node runs; default: the sources. */
  readonly program?: readonly string[];
  /** Default: the Node.js of this process. */
  readonly node?: string;
  /** The user and group to run as; default: those of this process. */
  readonly user?: number;
}

/** A `serve` that runs as a process of its own. */
export interface ServeProcess {
  readonly url: string;
  readonly opsUrl: string;
  /** PEM of the authority to trust; empty where certificates were given. */
  readonly ca: string;
  readonly pid: number;
  /** Milliseconds from the start of the process until it listened. */
  readonly startMs: number;
  /** Everything that it has logged so far. */
  readonly log: () => readonly JsonObject[];
  /** Resolves with the first log line of this message, past ones included. Rejects if the process ends before. */
  readonly logged: (message: string) => Promise<JsonObject>;
  /** Ends it as Kubernetes does and resolves with its exit code; once it has ended, that code. */
  readonly stop: () => Promise<number | null>;
  /** Ends it as a crash does, at once. */
  readonly kill: () => Promise<void>;
}

const sources = [join(import.meta.dirname, '../../src/cli.ts')];
const fixedFlags = ['--host', '127.0.0.1', '--port', '0', '--ops-port', '0', '--shutdown-delay', '0ms'];

/** Between two looks at a log for a line that somebody waits for. */
const lookEveryMs = 10;

/** Ends a process whose standard input ends: it never outlives the one that started it, however that ends. */
const endWithParent = `data:text/javascript,process.stdin.on('end', () => process.exit(1)).resume().unref()`;

/** Starts `serve` on free ports. Resolves when it listens; rejects with what it said if it ends instead. */
export async function startServeProcess(options: ServeProcessOptions): Promise<ServeProcess> {
  const { flags, cwd, program = sources, node = process.execPath, user } = options;
  const started = performance.now();
  const log = openLog();
  const child = spawn(node, ['--import', endWithParent, ...program, 'serve', ...fixedFlags, ...flags], {
    cwd,
    stdio: ['pipe', log.descriptor, 'pipe'],
    ...(user !== undefined && { uid: user, gid: user }),
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const end = new AbortController();
  const ended = once(child, 'close').then(([code]: (number | null)[]) => {
    end.abort();
    return code ?? null;
  });
  const logged = async (message: string): Promise<JsonObject> => {
    const line = await lineOf(message, log, end.signal);
    if (line !== undefined) return line;
    throw new Error(`serve ended with ${await ended} before '${message}': ${errors}`);
  };
  const listening = await logged('listening');
  const startMs = performance.now() - started;
  const certificate = log.read().find((line) => 'caFile' in line);
  return {
    url: String(listening['url']),
    opsUrl: String(listening['opsUrl']),
    ca: certificate === undefined ? '' : readFileSync(String(certificate['caFile']), 'utf8'),
    pid: child.pid ?? 0,
    startMs,
    log: log.read,
    logged,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface LogFile {
  /** What the process is to write to. */
  readonly descriptor: number;
  /** The lines so far. */
  readonly read: () => readonly JsonObject[];
}

/**
 * A file without a name, and not a pipe: where requests are counted, the log of them is to take no time of anybody else's, and whoever does
 * not read a pipe stops the process.
 */
function openLog(): LogFile {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-log-'));
  const descriptor = openSync(join(folder, 'log'), 'w+');
  rmSync(folder, { recursive: true });
  const lines: JsonObject[] = [];
  let offset = 0;
  const read = (): readonly JsonObject[] => {
    const unread = Buffer.alloc(fstatSync(descriptor).size - offset);
    readSync(descriptor, unread, 0, unread.length, offset);
    const whole = unread.subarray(0, unread.lastIndexOf('\n') + 1);
    offset += whole.length;
    for (const text of whole.toString().split('\n').slice(0, -1)) {
      const line: unknown = JSON.parse(text);
      if (isJsonObject(line)) lines.push(line);
    }
    return lines;
  };
  return { descriptor, read };
}

/** Resolves with the first line of this message; undefined if the log ends without one. */
async function lineOf(message: string, log: LogFile, ended: AbortSignal): Promise<JsonObject | undefined> {
  for (;;) {
    const isLast = ended.aborted;
    const found = log.read().find((line) => line['message'] === message);
    if (found || isLast) return found;
    await setTimeout(lookEveryMs, undefined, { signal: ended }).catch(() => {});
  }
}
