import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Decision } from '../../src/analysis/decision.ts';
import { isAsBad } from '../../src/analysis/findings.ts';
import type { RawFinding } from '../../src/analysis/raw-findings.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';

const ruleName = 'gateway-originates-tls';

/** The gateway sends plain HTTP: a warning where that goes to a port for HTTP, an error where it goes to one for TLS. */
const withoutOrigination = parseManifests(
  'mesh.yaml',
  `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: originate-api }
  spec: { host: api.example.com, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }
  `,
);

const toPort = (targetPort: number): Resource => {
  const text = `
    kind: ServiceEntry
    metadata: { namespace: istio-egress, name: api }
    spec:
      hosts: [api.example.com]
      location: MESH_EXTERNAL
      resolution: DNS
      ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${targetPort} }]
  `;
  const [entry] = readInput([parseManifests('entry.yaml', text)]).resources;
  if (entry === undefined) throw new Error('no ServiceEntry');
  return entry;
};

/** The decision about leading requests from one port of the host to another. */
function decide(before: number, after: number, settingsText = ''): Decision {
  const mesh = readInput([...bundleFiles('http-origination'), withoutOrigination]).resources;
  const entry = toPort(before);
  const settings = parseSettings(settingsText, 'settings.yaml', [ruleName]);
  const guard = createGuard([...mesh.filter(({ kind }) => kind !== 'ServiceEntry'), entry], settings, {
    today: () => '2026-01-01',
    assumesGateways: false,
  });
  expect(guard.check().map(({ rule }) => rule)).toContain(ruleName);
  return guard.decide({ operation: 'UPDATE', oldObject: entry, object: toPort(after) });
}

describe('a change by which a finding that is known', () => {
  it('turns from a warning into an error is refused', () => {
    const { allowed, denials } = decide(80, 443);
    expect(denials.map(({ reason }) => reason)).toEqual([ruleName]);
    expect(allowed).toBe(false);
  });

  it('turns from an error into a warning is admitted, and nothing is told', () => {
    expect(decide(443, 80)).toEqual({ allowed: true, denials: [], warnings: [], rules: [] });
  });

  it.each(['error', 'warning'])('stays an %s by the settings is admitted', (severity) => {
    expect(decide(80, 443, `rules: { ${ruleName}: ${severity} }`)).toMatchObject({ allowed: true, rules: [] });
  });
});

const finding = (severity: 'error' | 'warning', incomplete: boolean): RawFinding => ({
  rule: ruleName,
  at: { kind: 'ServiceEntry', namespace: 'istio-egress', name: 'api', field: 'spec' },
  key: 'api.example.com:80',
  message: 'the gateway sends plain HTTP',
  fix: 'set `tls: {mode: SIMPLE}`',
  related: [],
  incomplete,
  severity,
  affected: [],
});

const kinds = {
  error: finding('error', false),
  'incomplete error': finding('error', true),
  warning: finding('warning', false),
  'incomplete warning': finding('warning', true),
} as const;

it.each([
  ['error', ['error', 'incomplete error', 'warning', 'incomplete warning']],
  ['incomplete error', ['incomplete error', 'incomplete warning']],
  ['warning', ['warning', 'incomplete warning']],
  ['incomplete warning', ['incomplete warning']],
] as const)('an %s is as bad as: %j', (name, expected) => {
  const milder = Object.entries(kinds).filter(([, other]) => isAsBad(kinds[name], other, defaultSettings));
  expect(milder.map(([other]) => other)).toEqual(expected);
});
