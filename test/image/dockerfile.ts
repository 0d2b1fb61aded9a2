/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In upper case. */
  readonly name: string;
  readonly argument: string;
}

/** The stages of a Dockerfile, each from its `FROM` on. Lines that go on in the next one are joined; comments are dropped. */
export function readDockerfile(text: string): readonly (readonly Instruction[])[] {
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
