import { expect, it } from 'vitest';
import { mergeByIdentity } from '../../src/analysis/findings.ts';
import type { RawFinding } from '../../src/analysis/raw-findings.ts';

const at = { kind: 'DestinationRule', namespace: 'istio-egress', name: 'hop', field: 'spec' } as const;

const finding = (host: string, more: Partial<RawFinding> = {}): RawFinding => ({
  rule: 'hop-uses-istio-mutual',
  at,
  key: 'gateway:80:',
  message: 'the hop is plaintext',
  fix: `set \`sni: ${host}\``,
  related: [],
  incomplete: false,
  affected: [],
  ...more,
});

/** What two hosts yield about one resource is one finding, whichever host comes first. */
const merged = (one: RawFinding, other: RawFinding): readonly RawFinding[] => {
  const there = mergeByIdentity([one, other]);
  expect(mergeByIdentity([other, one])).toEqual(there);
  return there;
};

it('hosts that say the same of a resource make one finding, and the same one in any order', () => {
  expect(merged(finding('b.example.com'), finding('a.example.com'))).toEqual([finding('a.example.com')]);
});

it('it is certain where it is for one of them', () => {
  const waiting = finding('a.example.com', { incomplete: true, message: 'nothing applies to the hop yet' });
  expect(merged(waiting, finding('b.example.com'))).toEqual([finding('b.example.com')]);
});

it('it is as severe as the worse of them', () => {
  const mild = finding('a.example.com', { severity: 'warning' });
  expect(merged(mild, finding('b.example.com'))).toEqual([finding('b.example.com')]);
});
