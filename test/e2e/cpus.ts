import { existsSync, readFileSync } from 'node:fs';
import { runProgram } from './run-program.ts';

const status = '/proc/self/status';

/** The CPUs that this process may use; none where that cannot be told. */
export function usableCpus(): readonly number[] {
  if (!existsSync(status)) return [];
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(status, 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, place) => first + place);
  });
}

/** Limits this process, and what it starts from now on, to some CPUs; false where the machine has nothing that does so. */
export async function useCpus(cpus: readonly number[]): Promise<boolean> {
  const flags = ['--all-tasks', '--cpu-list', '--pid', cpus.join(','), String(process.pid)];
  return runProgram('taskset', flags).then(
    ({ code }) => code === 0,
    () => false, // there is no such program
  );
}
