import type { Decision } from '../../src/analysis/decision.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import type { Engine } from '../../src/commands/command-context.ts';
import { runProgram } from '../../src/commands/program.ts';
import type { Sink, Terminal } from '../../src/commands/terminal.ts';
import type { Unevaluated } from '../../src/egress/ambient.ts';
import type { Path } from '../../src/egress/path.ts';
import { idOf, type Resource, refOf } from '../../src/istio/resources.ts';
import type { RuleDocs } from '../../src/report/rule-docs.ts';

/** What a fake guard answers. */
interface FakeAnswers {
  readonly notes?: readonly string[];
  readonly findings?: (resources: readonly Resource[]) => readonly Finding[];
  readonly access?: readonly Path[];
  readonly unevaluated?: readonly Unevaluated[];
  readonly decide?: (change: Change, resources: ReadonlyMap<string, Resource>) => Decision;
}

/** A guard that answers as told, so that commands are tested without tracer and rules. */
function fakeGuard(initial: Iterable<Resource>, answers: FakeAnswers): Guard {
  const resources = new Map([...initial].map((resource) => [idOf(refOf(resource)), resource]));
  return {
    notes: answers.notes ?? [],
    resources: () => resources.values(),
    find: () => undefined,
    counts: () => new Map(),
    check: () => answers.findings?.([...resources.values()]) ?? [],
    countFindings: () => [],
    access: () => answers.access ?? [],
    unevaluated: () => answers.unevaluated ?? [],
    whyUnevaluated: ({ from, to }) =>
      answers.unevaluated?.find((known) => known.from.namespace === from.namespace && known.to.host === to.host),
    trace: ({ from, to, labels }) => ({
      from,
      to,
      outcome: 'blocked',
      stage: 'capture',
      reason: labels ? `traced with labels ${JSON.stringify(labels)}` : 'traced',
      notes: [],
      decidedBy: [],
      alternatives: [],
    }),
    decide: (change) => answers.decide?.(change, resources) ?? { allowed: true, denials: [], warnings: [], rules: [] },
    apply: (changes) => {
      for (const { object, oldObject } of changes) {
        if (oldObject) resources.delete(idOf(refOf(oldObject)));
        if (object) resources.set(idOf(refOf(object)), object);
      }
    },
  };
}

/** Two rules, as they document themselves. */
export const someRules: readonly RuleDocs[] = [
  {
    name: 'external-port-is-captured',
    summary: 'Every port of an external service is routed to the gateway.',
    why: 'Traffic to the other ports leaves unseen.',
    severity: 'warning',
    subject: 'path',
    related: [],
    examples: { bad: 'kind: ServiceEntry', good: 'kind: ServiceEntry' },
  },
  {
    name: 'hop-sni-matches-host',
    summary: 'The SNI sent to the egress gateway is the host that is routed.',
    why: 'The gateway picks its server, and policies judge the request, by the SNI.',
    severity: 'error',
    subject: 'path',
    related: ['KIA0201'],
    examples: {
      bad: `
        kind: DestinationRule
        spec:
          host: gateway
      `,
      good: 'kind: DestinationRule',
    },
  },
];

/** What a run left behind. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a run differs from an empty pipe in an empty folder. */
export interface RunOptions extends FakeAnswers {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly engine?: Partial<Engine>;
}

/** Runs a command line in this process: `run('check a.yaml')`. */
export async function run(commandLine: string, options: RunOptions = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written): Sink => ({
    isTerminal: options.isTerminal ?? false,
    columns: options.columns,
    write: async (text) => {
      written[name] += text;
    },
  });
  const terminal: Terminal = {
    cwd: options.cwd ?? '/nonexistent',
    env: options.env ?? {},
    readStdin: async () => options.stdin ?? '',
    stdout: sink('stdout'),
    stderr: sink('stderr'),
  };
  const createGuard: Engine['createGuard'] = (resources) => fakeGuard(resources, options);
  const engine: Engine = { createGuard, rules: someRules, version: '1.2.3', ...options.engine };
  const exitCode = await runProgram(
    commandLine.split(' ').filter((word) => word !== ''),
    { terminal, engine },
  );
  return { exitCode, ...written };
}
