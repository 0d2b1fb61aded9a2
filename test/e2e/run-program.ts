import { execFile } from 'node:child_process';

/** What a program said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Its standard input. */
  readonly input?: string | undefined;
}

/** Runs a program to its end, whatever its exit code. Rejects if it cannot be run. */
export function runProgram(program: string, args: readonly string[], { env, input }: RunOptions = {}): Promise<Said> {
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  const options = { env: env ?? process.env, maxBuffer: 64 * 1_024 * 1_024 };
  const child = execFile(program, args, options, (error, stdout, stderr) => {
    if (error && typeof error.code !== 'number') reject(error);
    else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
  });
  child.stdin?.on('error', () => {}); // it ended without reading all of it, which is its own affair
  child.stdin?.end(input ?? '');
  return promise;
}

/** What a program printed; throws with what it complained of if it failed. */
export function succeeded({ code, stdout, stderr }: Said): string {
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}
