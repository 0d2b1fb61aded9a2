import { expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import { meshTlsStaysInMesh } from '../../src/rules/mesh-tls-stays-in-mesh.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { testRule } from './test-rule.ts';

const mark = "# ✗ the gateway shows 'api.example.com' a certificate of the mesh, and expects one of it (ISTIO_MUTUAL)";

/** The DestinationRule of the external host in the bundle. */
const originate = (policy: string): string => `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    ${policy}
`;

testRule(meshTlsStaysInMesh, {
  valid: {
    'TLS that verifies a public certificate': '# the bundle as it is',
    'a certificate that the host knows': originate('tls: { mode: MUTUAL, credentialName: client }'),
    'mesh TLS for another port': originate(
      'portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }, { port: { number: 8443 }, tls: { mode: ISTIO_MUTUAL } }]',
    ),
    'mesh TLS for the hop to the gateway': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a DestinationRule that the gateway does not apply': `
      kind: DestinationRule
      metadata: { namespace: team-b, name: originate-api }
      spec: { host: api.example.com, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
    `,
  },
  invalid: {
    'for every port': originate(`tls: { mode: ISTIO_MUTUAL }  ${mark}`),
    'for the port that is used': originate(
      `portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL } }]  ${mark}`,
    ),
    'around the TLS of the application': {
      on: 'end-to-end-tls',
      yaml: originate(`tls: { mode: ISTIO_MUTUAL, sni: api.example.com }  ${mark}`),
    },
  },
});

it.each([
  ['an error', 'tls: { mode: ISTIO_MUTUAL }', 'error'],
  [
    'an error where a public name is expected',
    'tls: { mode: ISTIO_MUTUAL, subjectAltNames: [api.example.com] }',
    'error',
  ],
  [
    'a warning where a workload is expected: another mesh may have the same root',
    'tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://west.example/ns/istio-system/sa/ingress"] }',
    'warning',
  ],
])('is %s', (_, policy, severity) => {
  const files = [...bundleFiles('http-origination'), parseManifests('case.yaml', originate(policy))];
  const options = { today: () => '2026-01-01', assumesGateways: true };
  const findings = createGuard(readInput(files).resources, parseSettings('', 'settings.yaml', []), options).check();
  const own = findings.filter(({ rule }) => rule === meshTlsStaysInMesh.name);
  expect(own.map((finding) => finding.severity)).toEqual([severity]);
});
