import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artefactsOf, differsAs, unexplained } from './artefacts.ts';
import { type Comparison, compareCase, type OracleCase, readCases } from './compare.ts';

/*
 * Ground truth: what Istio's own configuration generator makes of these manifests (generator/README.md says how it is
 * computed). Every field of every path agrees, but for the named artefacts. `regressions` are cases in which the tracer was once
 * wrong (`npm run oracle`), as small as they get.
 */

const written = readCases(join(import.meta.dirname, 'written'));
const random = readCases(join(import.meta.dirname, 'random'));
const regressions = readCases(join(import.meta.dirname, 'regressions'));

const cases = [...written, ...random, ...regressions];

const comparisons = new Map<string, Comparison>();

function comparisonOf(oracle: OracleCase): Comparison {
  const comparison = comparisons.get(oracle.name) ?? compareCase(oracle);
  comparisons.set(oracle.name, comparison);
  return comparison;
}

describe('the tracer agrees with Istio in every field', () => {
  it.each(cases)('$name $about', (oracle) => {
    const known = artefactsOf(oracle.name);
    const { disagreements } = comparisonOf(oracle);
    expect(unexplained(disagreements, known)).toEqual([]);
    const gone = known.filter(({ differs }) => !disagreements.some((found) => differsAs(found, differs)));
    expect(gone, 'the artefacts are still there').toEqual([]);
  });

  it('compares every kind of field', () => {
    const compared = new Map<string, number>();
    for (const oracle of cases) {
      for (const [field, count] of comparisonOf(oracle).compared)
        compared.set(field, (compared.get(field) ?? 0) + count);
    }
    const fields = [...compared].map(([field, count]) => `${field} ${count}`);
    console.log(`compared with Istio in ${cases.length} cases: ${fields.join(', ')}`);
    expect([...compared.values()].every((count) => count > 0)).toBe(true);
    expect([...compared.keys()].sort()).toMatchInlineSnapshot(`
      [
        "authorization.decision",
        "authorization.policies",
        "hop.podPort",
        "hop.port",
        "hop.service",
        "hop.sni",
        "hop.subset",
        "hop.tls",
        "notes",
        "outcome",
        "server.mode",
        "server.port",
        "stage",
        "upstream.host",
        "upstream.port",
        "upstream.sni",
        "upstream.tls",
      ]
    `);
  });
});
