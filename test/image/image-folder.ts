import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { entrypoint } from './dockerfile.ts';

const root = join(import.meta.dirname, '../..');

/** What a command says and how it ends. */
interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder as the image has it: Node.js and what the build wrote, and nothing that could be written to. */
export interface ImageFolder {
  readonly node: string;
  /** The files that the build wrote. */
  readonly built: readonly string[];
  /** The path in the folder of what the build wrote. */
  readonly path: (name: string) => string;
  /** The working folder of the image. */
  readonly cwd: string;
  /** Absent where this process may not choose: it is not root's, and neither is what it starts. */
  readonly user?: number;
  run(...args: readonly string[]): Promise<Answer>;
  remove(): void;
}

/** Builds the bundle, `npm run build` with another folder, and lays it out without sources and `node_modules`. `user`: who runs it. */
export async function layOutImage(user: number): Promise<ImageFolder> {
  const outside = mkdtempSync(join(tmpdir(), 'egress-guard-image-'));
  chmodSync(outside, 0o755);
  const cwd = join(outside, 'egress-guard');
  const node = join(outside, 'node');
  await promisify(execFile)(process.execPath, ['build.ts', join(outside, 'dist')], { cwd: root });
  mkdirSync(cwd);
  cpSync(join(outside, 'dist'), cwd, { recursive: true });
  rmSync(join(outside, 'dist'), { recursive: true });
  placeNode(node);
  const built = readdirSync(cwd);
  for (const name of built) chmodSync(join(cwd, name), 0o444);
  for (const folder of [cwd, outside]) chmodSync(folder, 0o555);
  const isRoot = process.getuid?.() === 0;
  const path = (name: string): string => join(cwd, name);
  return {
    node,
    built,
    path,
    cwd,
    ...(isRoot && { user }),
    run: async (...args) => {
      const child = spawn(node, [...entrypoint.flags, path('egress-guard.js'), ...args], {
        cwd,
        ...(isRoot && { uid: user, gid: user }),
      });
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      return { code, stdout, stderr };
    },
    remove: () => {
      for (const folder of [outside, cwd]) chmodSync(folder, 0o755);
      rmSync(outside, { recursive: true });
    },
  };
}

/** Where others than root find it: the checkout, and Node.js in it, may be in a folder that only root may enter. */
function placeNode(path: string): void {
  try {
    linkSync(process.execPath, path);
  } catch {
    copyFileSync(process.execPath, path); // it is on another file system
  }
}
