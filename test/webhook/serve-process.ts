import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
  /** Everything that it has logged. */
  readonly log: readonly JsonObject[];
  /** Resolves with the first log line of this message, past ones included. Rejects if the process ends before. */
  readonly logged: (message: string) => Promise<JsonObject>;
  /** Ends it as Kubernetes does and resolves with its exit code; once it has ended, that code. */
  readonly stop: () => Promise<number | null>;
  /** Ends it as a crash does, at once. */
  readonly kill: () => Promise<void>;
}

const sources = [join(import.meta.dirname, '../../src/cli.ts')];
const fixedFlags = ['--host', '127.0.0.1', '--port', '0', '--ops-port', '0', '--shutdown-delay', '0ms'];

/** Ends a process whose standard input ends: it never outlives the one that started it, however that ends. */
const endWithParent = `data:text/javascript,process.stdin.on('end', () => process.exit(1)).resume().unref()`;

/** Starts `serve` on free ports. Resolves when it listens; rejects with what it said if it ends instead. */
export async function startServeProcess(options: ServeProcessOptions): Promise<ServeProcess> {
  const { flags, cwd, program = sources, node = process.execPath, user } = options;
  const started = performance.now();
  const child = spawn(node, ['--import', endWithParent, ...program, 'serve', ...fixedFlags, ...flags], {
    cwd,
    ...(user !== undefined && { uid: user, gid: user }),
  });
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  const log = followLog(child, ended);
  const listening = await log.logged('listening');
  const startMs = performance.now() - started;
  const certificate = log.lines.find((line) => 'caFile' in line);
  return {
    url: String(listening['url']),
    opsUrl: String(listening['opsUrl']),
    ca: certificate === undefined ? '' : readFileSync(String(certificate['caFile']), 'utf8'),
    pid: child.pid ?? 0,
    startMs,
    log: log.lines,
    logged: log.logged,
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

interface FollowedLog {
  readonly lines: readonly JsonObject[];
  readonly logged: ServeProcess['logged'];
}

function followLog({ stdout, stderr }: ChildProcessWithoutNullStreams, ended: Promise<number | null>): FollowedLog {
  const lines: JsonObject[] = [];
  const waiting = new Set<() => void>();
  let errors = '';
  stderr.on('data', (chunk) => {
    errors += chunk;
  });
  createInterface(stdout).on('line', (text) => {
    const line: unknown = JSON.parse(text);
    if (isJsonObject(line)) lines.push(line);
    for (const notify of waiting) notify();
  });
  const logged = async (message: string): Promise<JsonObject> => {
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    const look = (): void => {
      const found = lines.find((line) => line['message'] === message);
      if (found) resolve(found);
    };
    waiting.add(look);
    look();
    ended.then((code) => reject(new Error(`serve ended with ${code} before '${message}': ${errors}`)));
    return promise.finally(() => waiting.delete(look));
  };
  return { lines, logged };
}
