#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { createGuard } from './analysis/create-guard.ts';
import { runProgram } from './commands/program.ts';
import type { Sink, Terminal } from './commands/terminal.ts';
import { rules } from './rules/index.ts';

/** A stream as commands see it. A reader that goes away early (`| head`) ends nothing: what comes after is dropped. */
function sinkOf(stream: NodeJS.WriteStream): Sink {
  let isGone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isGone = true;
  });
  return {
    isTerminal: stream.isTTY === true,
    columns: stream.isTTY ? stream.columns : undefined,
    write: (chunk) => new Promise((resolve) => (isGone ? resolve() : stream.write(chunk, () => resolve()))),
  };
}

const terminal: Terminal = {
  cwd: process.cwd(),
  env: process.env,
  readStdin: () => text(process.stdin),
  stdout: sinkOf(process.stdout),
  stderr: sinkOf(process.stderr),
};

try {
  process.exitCode = await runProgram(process.argv.slice(2), {
    terminal,
    engine: { createGuard, rules, version: packageJson.version },
  });
} catch (error) {
  await terminal.stderr.write(`this is a bug in egress-guard, and nothing was judged:\n${inspect(error)}\n`);
  process.exitCode = 2; // Node's own 1 would be taken for findings
}
