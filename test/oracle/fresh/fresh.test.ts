import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFile } from '../../../src/sources/parse-file.ts';
import { type Input, readInput } from '../../../src/sources/read-input.ts';
import { guardOf } from '../../scenarios/oracle-manifests.ts';
import { readCases } from '../compare.ts';
import { garnishes } from './designs/garnishes.ts';
import { designNames } from './designs/index.ts';
import { deviations } from './deviations/index.ts';
import { judgeCase } from './judge-case.ts';
import { type FreshCase, makeCase, printManifests } from './make-case.ts';
import { type Oracle, OracleProcess } from './oracle-process.ts';
import { shrink } from './shrink.ts';
import { writeFixture } from './write-fixture.ts';

const cases = Array.from({ length: 2_000 }, (_, number) => makeCase('test', number));

/** Enough to see what holds for all, where reading each takes its time. */
const some = cases.slice(0, 60);

function inputOf({ name, manifests }: FreshCase): Input {
  return readInput([parseFile(`${name}.yaml`, printManifests(manifests))]);
}

describe('the cases', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(makeCase('test', 7)).toEqual(cases[7]);
    expect(makeCase('other', 7).manifests).not.toEqual(cases[7]?.manifests);
  });

  it('have every design, garnish and deviation', () => {
    const seen = (words: readonly string[]): readonly string[] => [...new Set(words)].sort();
    expect(seen(cases.map(({ design }) => design))).toEqual(designNames.toSorted());
    expect(seen(cases.flatMap((one) => one.garnishes))).toEqual(Object.keys(garnishes).sort());
    expect(seen(cases.flatMap((one) => one.deviations))).toEqual([...deviations.keys()].sort());
  });

  it('have up to four deviations', () => {
    const counts = new Set(cases.map((one) => one.deviations.length));
    expect([...counts].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('ask for something, and of clients that are there', { timeout: 30_000 }, () => {
    for (const one of some) {
      const pods = inputOf(one).resources.flatMap(({ kind, metadata }) =>
        kind === 'Workload' ? [metadata.namespace] : [],
      );
      expect(one.targets.length, one.name).toBeGreaterThan(0);
      expect(pods, one.name).toEqual(expect.arrayContaining(one.targets.map(({ from }) => from.namespace)));
    }
  });

  it('are manifests that can be read', { timeout: 30_000 }, () => {
    for (const one of some) {
      const { resources, notes } = inputOf(one);
      expect(resources.length, one.name).toBe(one.manifests.length);
      expect(notes, one.name).toEqual([]);
    }
  });
});

describe('a design without deviations', () => {
  const designs = cases.filter((one) => one.deviations.length === 0).slice(0, 80);

  it('has no error but that the gateway does not learn who calls, where that is meant to be', {
    timeout: 30_000,
  }, () => {
    for (const one of designs) {
      const errors = guardOf(inputOf(one).resources)
        .check()
        .filter(({ severity }) => severity === 'error');
      const rules = [...new Set(errors.map(({ rule }) => rule))];
      const meant = /same-labels|=(plain|tcp:|api-http-plain|api-tcp-plain)/.test(one.about) ? aboutAnonymity : [];
      expect(
        rules.filter((rule) => !meant.includes(rule)),
        `${one.name} ${one.about}`,
      ).toEqual([]);
    }
  });
});

/**
 * What is said of a plaintext hop as soon as another host of the gateway has an identity, and of a server that is also on pods of the same
 * labels that no route leads to.
 */
const aboutAnonymity: readonly string[] = ['hop-uses-istio-mutual', 'egress-server-requires-mesh-identity'];

describe('the judgement', () => {
  const [first] = cases.filter((one) => one.deviations.length === 0);
  const question = first ?? makeCase('test', 0);

  it('finds the fields in which Istio and the tracer differ, and counts what it compared', async () => {
    const broken: Oracle = async ({ targets }) => ({
      rejectedByIstio: [],
      rejectedByEnvoy: [],
      paths: targets.map((target) => ({ ...target, outcome: 'no outcome at all', stage: 'capture' })),
    });
    const verdict = await judgeCase(question, broken);
    if ('error' in verdict) throw new Error(verdict.error);
    expect(verdict.compared.get('outcome')).toBe(question.targets.length);
    expect(verdict.disagreements.filter(({ field }) => field === 'outcome')).toHaveLength(question.targets.length);
  });

  it('leaves out what Istio refuses', async () => {
    const refusing: Oracle = async () => ({
      rejectedByIstio: ['ConfigMap istio-system/istio'],
      rejectedByEnvoy: [],
      paths: [],
    });
    const verdict = await judgeCase(question, refusing);
    if ('error' in verdict) throw new Error(verdict.error);
    expect(verdict.question.manifests).toHaveLength(question.manifests.length - 1);
  });
});

describe('the shrinker', () => {
  it('keeps the manifest and the field that are needed, and the mesh configuration', async () => {
    const one = makeCase('shrink', 1);
    const needed = (text: string): boolean => text.includes('"ServiceEntry"') && text.includes('"resolution"');
    const smallest = await shrink(
      one,
      async ({ manifests, targets }) => targets.length > 0 && needed(JSON.stringify(manifests)),
    );
    expect(smallest.targets).toHaveLength(1);
    const [configuration, ...others] = smallest.manifests;
    expect(configuration).toEqual(one.manifests[0]);
    expect(others).toEqual([
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name: expect.any(String), namespace: expect.any(String) },
        spec: { resolution: expect.any(String) },
      },
    ]);
  });
});

describe('the process of the generator', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A generator that answers each case with its targets, and that ends on a case without any. */
  function fakeGenerator(): string {
    const file = join(folder, 'generator.mjs');
    const program = `
      import { createInterface } from 'node:readline';
      createInterface({ input: process.stdin }).on('line', (line) => {
        const { name, targets } = JSON.parse(line);
        if (targets.length === 0) { console.error('panic: index out of range'); process.exit(2); }
        console.log(JSON.stringify({ name, rejectedByIstio: [], rejectedByEnvoy: [], paths: targets }));
      });
    `;
    writeFileSync(file, `#!${process.execPath}\n${program}`);
    chmodSync(file, 0o755);
    return file;
  }

  it('answers each of several cases at once', async () => {
    const oracle = new OracleProcess(fakeGenerator());
    const asked = cases.slice(0, 5);
    const answers = await Promise.all(asked.map((one) => oracle.ask(one)));
    oracle.close();
    expect(answers).toMatchObject(asked.map(({ targets }) => ({ paths: targets })));
  });

  it('is started again after it ended on a case, and goes on with those that wait', async () => {
    const oracle = new OracleProcess(fakeGenerator());
    const [one] = cases;
    if (one === undefined) throw new Error('no case');
    const answers = await Promise.all([oracle.ask(one), oracle.ask({ ...one, targets: [] }), oracle.ask(one)]);
    oracle.close();
    const answered = expect.objectContaining({ paths: one.targets });
    expect(answers).toEqual([answered, { error: expect.stringContaining('index out of range') }, answered]);
  });

  it('leaves a fixture as the committed cases are', async () => {
    const one = makeCase('fixture', 1);
    const answer = { rejectedByIstio: [], rejectedByEnvoy: [], paths: [] };
    const file = writeFixture(join(folder, 'out'), { question: one, answer, compared: new Map(), disagreements: [] });
    expect(readCases(join(folder, 'out'))).toEqual([
      { name: one.name, about: one.about, manifests: readFileSync(`${file}.yaml`, 'utf8'), paths: [] },
    ]);
  });
});
