import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import type { FindingCount } from '../../src/analysis/finding-tally.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { defaultSettings, type Settings } from '../../src/settings/settings.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';

const folder = join(import.meta.dirname, '../demo/mesh');

/*
 * A guard that is told of many changes at once says what it says when it is told of them one by one, and what one built from scratch
 * would. Here gateways are assumed, as in files: they come and go with what leads to them.
 */

const design = demo().filter(({ kind }) => kind !== 'Service');

describe('changes at once', () => {
  const stories: Readonly<Record<string, readonly Change[]>> = {
    'a design that comes as a whole, without the Service of its gateway': design.map(creation),
    'a design that comes and goes': [...design.map(creation), ...design.map(deletion)],
    'a resource that comes twice': [...design.map(creation), ...design.slice(0, 3).map(update)],
    'mesh configuration among others': [
      ...design.map(creation),
      creation(meshConfig('outboundTrafficPolicy: { mode: REGISTRY_ONLY }')),
    ],
    'a design whose Service comes last': [...design.map(creation), ...services().map(creation)],
    'namespaces that selectors leave out and take in again, with all that is in them': [
      creation(
        meshConfig("discoverySelectors: [{ matchExpressions: [{ key: team, operator: NotIn, values: ['a'] }] }]"),
      ),
      ...design.map(creation),
      ...namespaces().map(update),
      ...design.slice(0, 3).map(update),
      ...namespaces().map(deletion),
      ...namespaces().map(creation),
    ],
  };

  it.each(Object.entries(stories))('%s', (_, changes) => {
    const atOnce = guardOf([]);
    atOnce.apply(changes);
    const inTurn = guardOf([]);
    for (const change of changes) {
      inTurn.apply([change]);
      expect(tallyOf(inTurn.countFindings())).toEqual(tallyOf(countsOf(inTurn.check())));
    }
    expect(accountOf(atOnce)).toEqual(accountOf(inTurn));
    expect(accountOf(atOnce)).toEqual(accountOf(guardOf([...inTurn.resources()])));
  });

  it.each(Object.entries(stories))('that are only given count for one decision: %s', (_, changes) => {
    const asked = guardOf(design);
    const before = accountOf(asked);
    const kept = guardOf(design);
    kept.apply(changes);
    for (const object of design.slice(0, 3)) {
      expect(asked.decide(deletion(object), changes)).toEqual(kept.decide(deletion(object)));
      expect(accountOf(asked)).toEqual(before);
    }
  });
});

describe('the number of findings', () => {
  it('is that of a check where all clients are ambient', () => {
    const guard = guardOf([]);
    for (const object of [...design, ...services()]) {
      const { metadata } = object;
      const labels = object.kind === 'Namespace' ? { 'istio.io/dataplane-mode': 'ambient' } : metadata.labels;
      if (object.kind === 'DestinationRule') continue; // without them paths are wrong that nobody with a sidecar takes
      guard.apply([creation(Object.assign({}, object, { metadata: { ...metadata, labels } }))]);
      expect(tallyOf(guard.countFindings())).toEqual(tallyOf(countsOf(guard.check())));
    }
  });

  const rule = 'external-host-has-egress-path';
  const settings: Settings = {
    ...defaultSettings,
    exemptions: [
      { rules: [rule], resources: ['**'], reason: 'for now', expires: '2026-01-01' },
      { rules: [rule], resources: ['**'], reason: 'in vain', expires: '2025-01-01' },
    ],
  };

  it('is that of a full check, also on the day on which an exemption ends', () => {
    let today = '2026-01-01';
    const guard = createGuard(design, settings, { today: () => today, assumesGateways: true });
    const [route] = design.filter(({ kind }) => kind === 'VirtualService');
    if (route === undefined) throw new Error('the demo has no route');
    guard.apply([deletion(route)]);
    const counts = guard.countFindings();
    expect(tallyOf(counts)).toEqual(tallyOf(countsOf(guard.check())));
    expect(tallyOf(counts)).toContain('warning exemption-is-current: 1');
    expect(tallyOf(counts).join()).not.toContain(rule);
    today = '2026-01-02';
    expect(tallyOf(guard.countFindings())).toEqual(tallyOf(countsOf(guard.check())));
    expect(tallyOf(guard.countFindings())).toContain(`warning ${rule}: 1`);
  });
});

function demo(): readonly Resource[] {
  const files = readdirSync(folder).map((name) => parseFile(name, readFileSync(join(folder, name), 'utf8')));
  return readInput(files).resources;
}

function guardOf(resources: readonly Resource[]): Guard {
  return createGuard(resources, defaultSettings, { today: () => '2026-01-01', assumesGateways: true });
}

function accountOf(guard: Guard): object {
  const tally = tallyOf(guard.countFindings());
  return { notes: guard.notes, findings: guard.check(), paths: guard.access(), counts: guard.counts(), tally };
}

/** What counts say, whatever their order: `error hop-sni-matches-host: 2`. */
function tallyOf(counts: readonly FindingCount[]): readonly string[] {
  return counts.map(({ rule, severity, count }) => `${severity} ${rule}: ${count}`).sort();
}

/** The counts of findings that are not exempted. */
function countsOf(findings: readonly Finding[]): readonly FindingCount[] {
  const counted = findings.filter(({ exemption }) => exemption === undefined);
  return [...Map.groupBy(counted, ({ rule, severity }) => `${severity} ${rule}`).values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ rule: first.rule, severity: first.severity, count: group.length }] : [];
  });
}

function services(): readonly Resource[] {
  return demo().filter(({ kind }) => kind === 'Service');
}

function namespaces(): readonly Resource[] {
  return demo().filter(({ kind }) => kind === 'Namespace');
}

function meshConfig(mesh: string): Resource {
  const text = `
    apiVersion: v1
    kind: ConfigMap
    metadata: { namespace: istio-system, name: istio }
    data: { mesh: "${mesh}" }
  `;
  const [resource] = readInput([parseFile('mesh.yaml', text)]).resources;
  if (resource === undefined) throw new Error('the ConfigMap is no mesh configuration');
  return resource;
}

function creation(object: Resource): Change {
  return { operation: 'CREATE', object };
}

function update(object: Resource): Change {
  const metadata = { ...object.metadata, labels: { ...object.metadata.labels, team: 'a' } };
  return { operation: 'UPDATE', object: Object.assign({}, object, { metadata }), oldObject: object };
}

function deletion(oldObject: Resource): Change {
  return { operation: 'DELETE', oldObject };
}
