import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Decision } from '../../src/analysis/decision.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';

const folder = join(import.meta.dirname, '../oracle/written');

/** The resources of a case whose paths were computed by Istio's own code. */
export function oracleResources(name: string): readonly Resource[] {
  const file = `${name}.yaml`;
  return readInput([parseFile(file, readFileSync(join(folder, file), 'utf8'))]).resources;
}

/** A guard of resources with default settings, as a webhook has it: nothing is assumed. */
export function guardOf(resources: Iterable<Resource>): Guard {
  return createGuard(resources, defaultSettings, { today: () => '2026-01-01', assumesGateways: false });
}

const surroundings: ReadonlySet<Resource['kind']> = new Set(['MeshConfig', 'Namespace', 'Service', 'Workload']);

/** True for what is there before anybody designs egress: mesh, namespaces, pods and their Services. */
export function isSurrounding({ kind }: Resource): boolean {
  return surroundings.has(kind);
}

/** The creation of an object at a second of the first day of 2026, as the API server stamps it before webhooks see it. */
export function creationAt(second: number, object: Resource): Change {
  const metadata = { ...object.metadata, created: Date.UTC(2026, 0, 1) + second * 1000 };
  return { operation: 'CREATE', object: Object.assign({}, object, { metadata }) };
}

/** Makes the changes that are admitted; returns the decisions about all of them. */
export function decideInTurn(guard: Guard, changes: readonly Change[]): readonly Decision[] {
  return changes.map((change) => {
    const decision = guard.decide(change);
    if (decision.allowed) guard.apply([change]);
    return decision;
  });
}
