import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
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
    'mesh configuration among others': [...design.map(creation), creation(registryOnly())],
    'a design whose Service comes last': [...design.map(creation), ...services().map(creation)],
  };

  it.each(Object.entries(stories))('%s', (_, changes) => {
    const atOnce = guardOf([]);
    atOnce.apply(changes);
    const inTurn = guardOf([]);
    for (const change of changes) inTurn.apply([change]);
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

function demo(): readonly Resource[] {
  const files = readdirSync(folder).map((name) => parseFile(name, readFileSync(join(folder, name), 'utf8')));
  return readInput(files).resources;
}

function guardOf(resources: readonly Resource[]): Guard {
  return createGuard(resources, defaultSettings, { today: () => '2026-01-01', assumesGateways: true });
}

function accountOf(guard: Guard): object {
  return { notes: guard.notes, findings: guard.check(), paths: guard.access(), counts: guard.counts() };
}

function services(): readonly Resource[] {
  return demo().filter(({ kind }) => kind === 'Service');
}

function registryOnly(): Resource {
  const text = `
    apiVersion: v1
    kind: ConfigMap
    metadata: { namespace: istio-system, name: istio }
    data: { mesh: "outboundTrafficPolicy: { mode: REGISTRY_ONLY }" }
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
