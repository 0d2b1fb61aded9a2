/** `egress-guard`, but with certificates that live for seconds, and with waits that match. */
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { CommandContext } from '../../src/commands/command-context.ts';
import { runProgram } from '../../src/commands/program.ts';
import type { Sink } from '../../src/commands/terminal.ts';
import { rules } from '../../src/rules/index.ts';

/** Leaves are renewed every four seconds, and authorities after 14; then there are 7 for the successor to take its place. */
const certificateTimes: CommandContext['certificateTimes'] = {
  lives: { authorityMs: 21_000, leafMs: 6_000 },
  waits: { pollMs: 500, settleMs: 2_000, retireMs: 4_000 },
  minCertificateLifeMs: 0,
};

const sinkOf = (stream: NodeJS.WriteStream): Sink => ({
  isTerminal: false,
  columns: undefined,
  write: (chunk) => new Promise((resolve) => stream.write(chunk, () => resolve())),
});

process.exitCode = await runProgram(process.argv.slice(2), {
  terminal: {
    cwd: process.cwd(),
    env: process.env,
    readStdin: async () => '',
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
  },
  engine: { createGuard, rules, version: '0.0.0' },
  certificateTimes,
});
