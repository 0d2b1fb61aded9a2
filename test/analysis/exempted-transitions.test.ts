import { expect, test } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Decision } from '../../src/analysis/decision.ts';
import { rules } from '../../src/rules/index.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundle, parseManifests } from '../bundles/bundle.ts';

/** The decision about the VirtualService of the bundle leading the host to a service of the mesh, under an exemption. */
function decideUnder(exempted: string): Decision {
  const [object] = readInput([
    parseManifests(
      'inward.yaml',
      `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: mock.team-a.svc.cluster.local, port: { number: 80 } } }]
`,
    ),
  ]).resources;
  const mock = readInput([
    parseManifests(
      'mock.yaml',
      'kind: Service\nmetadata: { namespace: team-a, name: mock }\nspec: { selector: { app: a }, ports: [{ port: 80 }] }',
    ),
  ]).resources;
  const settings = parseSettings(
    `exemptions: [{ rules: [${exempted}], resources: ['istio-egress/VirtualService/api'], reason: a test }]`,
    'settings.yaml',
    rules.map(({ name }) => name),
  );
  const options = { today: () => '2026-01-01', assumesGateways: false };
  const guard = createGuard([...bundle('http-origination'), ...mock], settings, options);
  return guard.decide({ operation: 'UPDATE', ...(object && { object }) });
}

test('a door stays shut where something else is exempted', () => {
  const { allowed, denials } = decideUnder('host-is-lower-case');
  expect(allowed).toBe(false);
  expect(denials.map(({ reason }) => reason)).toEqual(['door', 'egress-gateway-routes-only-outside']);
});

test('a door opens where the finding about the route that decides is exempted, though it is of no path', () => {
  expect(decideUnder('egress-gateway-routes-only-outside')).toMatchObject({ allowed: true, denials: [] });
});
