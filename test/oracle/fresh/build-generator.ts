import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Builds the generator, outside the repository; Go itself knows what has changed since. Returns the binary's path. */
export function buildGenerator(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'egress-guard');
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, 'oracle-generator');
  execFileSync('go', ['build', '-ldflags=-s -w', '-o', binary, '.'], {
    cwd: join(import.meta.dirname, '../generator'),
    stdio: 'inherit',
  });
  return binary;
}
