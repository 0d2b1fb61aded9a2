import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In upper case. */
  readonly name: string;
  readonly argument: string;
}

/** The stages of the project's Dockerfile. */
export const stages = readDockerfile(readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8'));

/** What the image runs: Node.js, its flags, and the program. */
export const entrypoint = readEntrypoint();

/** The argument of the last instruction of a kind: the one that holds. */
export function lastOf(instructions: readonly Instruction[], name: string): string {
  return instructions.findLast((instruction) => instruction.name === name)?.argument ?? '';
}

function readEntrypoint() {
  const parsed: unknown = JSON.parse(lastOf(stages.at(-1) ?? [], 'ENTRYPOINT'));
  const words = Array.isArray(parsed) ? parsed.map(String) : [];
  return { node: words[0] ?? '', flags: words.slice(1, -1), program: words.at(-1) ?? '' };
}

/** The stages of a Dockerfile, each from its `FROM` on. Lines that go on in the next one are joined; comments are dropped. */
function readDockerfile(text: string): readonly (readonly Instruction[])[] {
  const stages: Instruction[][] = [];
  for (const line of text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', '')
    .split('\n')) {
    const [, name = '', argument = ''] = /^\s*(\w+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (name === '') continue;
    const instruction = { name: name.toUpperCase(), argument };
    if (instruction.name === 'FROM') stages.push([instruction]);
    else stages.at(-1)?.push(instruction);
  }
  return stages;
}
