import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareCase, type OracleCase, readCases } from './compare.ts';

/*
 * Ground truth: what Istio's own configuration generator makes of these manifests (README.md says how it was computed). The
 * canonical bundles, their mutations and the published walkthroughs agree in every field; of the others the share of
 * outcomes is guarded.
 */

const written = readCases(join(import.meta.dirname, 'written'));
const random = readCases(join(import.meta.dirname, 'random'));

const isMandatory = ({ name }: OracleCase): boolean => /^(s16-|m\d|t\d|seed-)/.test(name);
/** Gateway API and its generated pods are not traced yet. */
const isClassic = ({ name, about }: OracleCase): boolean => !name.startsWith('k16.3') && !about.includes('gwapi');

describe('the tracer agrees with Istio in every field', () => {
  it.each(written.filter(isMandatory))('$name', (oracle) => {
    expect(compareCase(oracle).disagreements).toEqual([]);
  });

  it('compares every kind of field', () => {
    const compared = new Map<string, number>();
    for (const oracle of written.filter(isMandatory)) {
      for (const [field, count] of compareCase(oracle).compared)
        compared.set(field, (compared.get(field) ?? 0) + count);
    }
    const fields = [...compared].map(([field, count]) => `${field} ${count}`);
    console.log(`compared with Istio: ${fields.join(', ')}`);
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

describe('the tracer agrees with Istio about outcomes', () => {
  it.each([
    ['written cases', written.filter((oracle) => !isMandatory(oracle) && isClassic(oracle)), 1],
    ['random cases', random.filter(isClassic), 0.96],
  ] as const)('%s', (what, cases, share) => {
    const wrong = cases.flatMap((oracle) =>
      compareCase(oracle).disagreements.filter(({ field }) => field === 'outcome'),
    );
    const paths = cases.reduce((sum, oracle) => sum + oracle.paths.length, 0);
    const agreement = 1 - wrong.length / paths;
    console.log(`${what}: ${cases.length}, paths: ${paths}, outcomes agree: ${(agreement * 100).toFixed(1)} %`);
    expect(
      agreement,
      wrong.map((found) => `${found.case} ${found.path}: ${found.istio}, traced ${found.tracer}`).join('\n'),
    ).toBeGreaterThanOrEqual(share);
  });
});
