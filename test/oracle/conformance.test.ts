import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Comparison, compareCase, type Disagreement, type OracleCase, readCases } from './compare.ts';

/*
 * Ground truth: what Istio's own configuration generator makes of these manifests (generator/README.md says how it is
 * computed). Every field of every path agrees, but for the artefacts below.
 */

const written = readCases(join(import.meta.dirname, 'written'));
const random = readCases(join(import.meta.dirname, 'random'));

const cases = [...written, ...random];

const comparisons = new Map<string, Comparison>();

function comparisonOf(oracle: OracleCase): Comparison {
  const comparison = comparisons.get(oracle.name) ?? compareCase(oracle);
  comparisons.set(oracle.name, comparison);
  return comparison;
}

type Difference = Pick<Disagreement, 'field' | 'istio' | 'tracer'>;

/** What the oracle, not Istio, has otherwise: the whole list, so that nothing else hides behind it. */
const artefacts: readonly { readonly cases: readonly string[]; readonly differs: Difference }[] = [
  {
    // A handshake that fails over a name counts as `upstream` because `why` mentions `cluster`, as in `spiffe://cluster.local`.
    cases: ['c2.4-server-san-restricts', 'c4.6-san-of-external-host', 'gen-3-0013', 'gen-3-0326'],
    differs: { field: 'stage', istio: 'upstream', tracer: 'server' },
  },
  {
    // The oracle has no word for OPTIONAL_MUTUAL; the filter chain does have TLS.
    cases: ['c2.3-optional-mutual', 'gen-3-0214', 'gen-3-0251'],
    differs: { field: 'server.mode', istio: '', tracer: 'OPTIONAL_MUTUAL' },
  },
  {
    // The listener refers to a Secret, and the oracle had none: Istio left the listener out (conversion.go `buildSecretReference`).
    // Secrets are no part of the model: certificates are taken to be there. The path ends at the same stage either way.
    cases: ['gen-3-0105'],
    differs: { field: 'server.port', istio: 'absent', tracer: '5432' },
  },
  {
    cases: ['gen-3-0105'],
    differs: { field: 'server.mode', istio: 'absent', tracer: 'SIMPLE' },
  },
  {
    // The same; there a classic Gateway's plaintext server takes the port that the listener leaves free.
    cases: ['gen-3-0184'],
    differs: { field: 'server.mode', istio: '', tracer: 'SIMPLE' },
  },
];

describe('the tracer agrees with Istio in every field', () => {
  it.each(cases)('$name $about', (oracle) => {
    const known = artefacts.filter((artefact) => artefact.cases.includes(oracle.name));
    const { disagreements } = comparisonOf(oracle);
    const unexplained = disagreements.filter((found) => !known.some(({ differs }) => differsAs(found, differs)));
    expect(unexplained).toEqual([]);
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

function differsAs(found: Disagreement, known: Difference): boolean {
  return found.field === known.field && found.istio === known.istio && found.tracer === known.tracer;
}
