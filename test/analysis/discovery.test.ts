import { expect, test, vi } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Change } from '../../src/analysis/guard.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { buildMesh } from '../../src/mesh/model.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';

vi.mock(import('../../src/mesh/model.ts'), async (original) => {
  const model = await original();
  return { ...model, buildMesh: vi.fn(model.buildMesh) };
});

const attic = (mesh: string): string => `
kind: Namespace
apiVersion: v1
metadata: { name: attic, labels: { mesh: "${mesh}" } }
`;

const { resources } = readInput([
  ...bundleFiles('http-origination'),
  parseManifests(
    'attic.yaml',
    `
apiVersion: v1
kind: ConfigMap
metadata: { namespace: istio-system, name: istio }
data: { mesh: "{ discoverySelectors: [{ matchExpressions: [{ key: mesh, operator: NotIn, values: ['no'] }] }] }" }
---
${attic('no')}
---
kind: VirtualService
metadata: { namespace: attic, name: past-the-gateway }
spec:
  hosts: [api.example.com]
  exportTo: [team-a]
  http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
`,
  ),
]);

const guard = () => createGuard(resources, defaultSettings, { today: () => '2026-01-01', assumesGateways: false });

function update(text: string): Change {
  const [object] = readInput([parseManifests('update.yaml', text)]).resources;
  return { operation: 'UPDATE', ...(object && { object }) };
}

const errors = (all: ReturnType<ReturnType<typeof guard>['check']>): readonly string[] =>
  all.flatMap(({ rule, severity }) => (severity === 'error' ? [rule] : []));

test('what lies in a namespace that istiod leaves out does nothing, and may be changed', () => {
  const mesh = guard();
  expect(errors(mesh.check())).toEqual([]);
  const hidden = resources.find(({ metadata }) => metadata.name === 'past-the-gateway');
  expect(mesh.decide({ operation: 'UPDATE', ...(hidden && { object: hidden }) })).toMatchObject({
    allowed: true,
    warnings: [],
  });
  expect([...mesh.resources()]).toContainEqual(expect.objectContaining<Partial<Resource>>({ kind: 'VirtualService' }));
});

test('a label that brings the namespace in opens the door that lies in it', () => {
  const mesh = guard();
  vi.mocked(buildMesh).mockClear();
  const change = update(attic('yes'));
  const decision = mesh.decide(change);
  expect(decision.allowed).toBe(false);
  expect(decision.rules).toEqual(expect.arrayContaining(['capture-is-not-overridden', 'door']));
  mesh.apply([change]);
  expect(errors(mesh.check())).toEqual(['capture-is-not-overridden']);
  mesh.apply([update(attic('no'))]);
  expect(errors(mesh.check())).toEqual([]);
  expect(buildMesh).not.toHaveBeenCalled(); // what lies in the one namespace comes and goes, and all else stays
});
