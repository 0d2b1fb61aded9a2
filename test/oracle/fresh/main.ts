/**
 * `npm run oracle -- --cases N --seed S`: makes N cases that nobody has seen and compares what the tracer and Istio's own configuration
 * generator make of them. What differs becomes a fixture, as small as it gets, in `--out` (default `test/oracle/regressions`, whose cases the
 * tests run too). `--oracle PATH` is a generator that is built already, `--case NUMBER` asks about one case only, `--no-shrink` leaves
 * cases as they are. Exits with 1 where something differs, with 2 where it cannot run.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Disagreement } from '../compare.ts';
import { buildGenerator } from './build-generator.ts';
import { judgeCase, type Verdict } from './judge-case.ts';
import { type FreshCase, makeCase, type Question } from './make-case.ts';
import { OracleProcess } from './oracle-process.ts';
import { shrink } from './shrink.ts';
import { writeFixture } from './write-fixture.ts';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    oracle: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, '../regressions') },
    case: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
});

/** As many cases are under way at once: the tracer compares one while the generator works on the next. */
const atOnce = 4;
const progressEvery = 100;

/** What a run has seen so far. */
interface Tally {
  cases: number;
  unanswered: number;
  disagreeing: number;
  readonly compared: Map<string, number>;
}

const oracle = new OracleProcess(options.oracle ?? buildGenerator());
const tally: Tally = { cases: 0, unanswered: 0, disagreeing: 0, compared: new Map() };
const started = performance.now();
try {
  const rest = numbers();
  await Promise.all(Array.from({ length: atOnce }, () => work(rest)));
} finally {
  oracle.close();
}
sumUp();
if (tally.disagreeing > 0) process.exitCode = 1;

function* numbers(): Generator<number> {
  if (options.case !== undefined) yield Number(options.case);
  else for (let number = 0; number < Number(options.cases); number++) yield number;
}

async function work(rest: Generator<number>): Promise<void> {
  for (const number of rest) {
    await examine(makeCase(options.seed, number));
    tally.cases++;
    if (tally.cases % progressEvery === 0)
      console.error(`${tally.cases} cases, ${comparedFields()} compared fields, ${tally.disagreeing} disagreeing`);
  }
}

async function examine(fresh: FreshCase): Promise<void> {
  const verdict = await judgeCase(fresh, oracle.ask);
  if ('error' in verdict) {
    tally.unanswered++;
    console.error(
      `${fresh.name} ${fresh.about}\n  no answer: ${verdict.error.trim().split('\n').slice(0, 3).join(' | ')}`,
    );
    return;
  }
  for (const [field, count] of verdict.compared) tally.compared.set(field, (tally.compared.get(field) ?? 0) + count);
  if (verdict.disagreements.length > 0) await tell(verdict);
}

async function tell(verdict: Verdict): Promise<void> {
  tally.disagreeing++;
  const smallest = options['no-shrink'] ? verdict : await shrunk(verdict);
  const file = writeFixture(options.out, smallest);
  console.log(`${file} ${verdict.question.about}`);
  for (const { path, field, istio, tracer, why } of smallest.disagreements)
    console.log(`  ${path} ${field}: Istio '${istio}', tracer '${tracer}' (${why})`);
}

/** The smallest case with a disagreement that the whole case has, between the same two values. */
async function shrunk(verdict: Verdict): Promise<Verdict> {
  const wanted = new Set(verdict.disagreements.map(essence));
  let smallest = verdict;
  await shrink(verdict.question, async (candidate: Question) => {
    const found = await judgeCase(candidate, oracle.ask);
    const shows =
      !('error' in found) &&
      found.answer.rejectedByIstio.length === 0 &&
      found.disagreements.some((disagreement) => wanted.has(essence(disagreement)));
    if (shows) smallest = found;
    return shows;
  });
  return smallest;
}

function essence({ field, istio, tracer }: Disagreement): string {
  return JSON.stringify([field, istio, tracer]);
}

function comparedFields(): number {
  return [...tally.compared.values()].reduce((sum, count) => sum + count, 0);
}

function sumUp(): void {
  const fields = [...tally.compared].map(([field, count]) => `${field} ${count}`).join(', ');
  const each = ((performance.now() - started) / Math.max(tally.cases, 1)).toFixed(0);
  console.log(`compared: ${fields}`);
  console.log(`${tally.unanswered} cases without an answer, ${each} ms a case`);
  console.log(`${tally.cases} cases, ${comparedFields()} compared fields, ${tally.disagreeing} disagreements`);
}
