import { expect, it } from 'vitest';
import { readInput } from '../../src/sources/read-input.ts';
import { parseManifests } from '../bundles/bundle.ts';
import { guardOf } from './oracle-manifests.ts';
import { story } from './story.ts';

/*
 * "Egress control with Istio" (istio.io, release 1.1): the application speaks TLS, the gateway's server has certificates of files that no
 * longer exist, and the VirtualService spells one field as its Go code does.
 */

it('the VirtualService as printed is misspelt, which no API server admits', () => {
  const { resources, departures } = readInput([
    parseManifests(
      'printed.yaml',
      `
kind: VirtualService
metadata: { name: direct-traffic-through-egress-gateway, namespace: default }
spec:
  hosts: [www.googleapis.com]
  gateways: [mesh, istio-egressgateway]
  tls:
  - match:
    - gateways: [mesh]
      port: 443
      sni_hosts: [www.googleapis.com]
    route:
    - destination: { host: istio-egressgateway.istio-system.svc.cluster.local, port: { number: 443 } }
`,
    ),
  ]);
  expect(guardOf(resources).check({ departures })).toContainEqual(
    expect.objectContaining({
      rule: 'schema',
      severity: 'error',
      field: 'spec.tls[0].match[0].sni_hosts',
      message: "unknown field 'sni_hosts'",
    }),
  );
});

story('without the misspelt VirtualService everything leaves directly', {
  manifests: 'seed-002-verbatim',
  access: `
                                tls://www.googleapis.com  http://www.googleapis.com
    default/bookinfo-details    direct                    direct
  `,
  errors: [],
  warnings: ['external-host-has-egress-path', 'legacy-certificate-path'],
  refused: [],
});

story('with the spelling mended the certificates of the server are not those of the mesh', {
  manifests: 'seed-002-snihosts-fixed',
  access: `
                                tls://www.googleapis.com
    default/bookinfo-details    broken
  `,
  errors: ['hop-tls-matches-server'],
  warnings: ['legacy-certificate-path'],
  refused: ['VirtualService default/direct-traffic-through-egress-gateway: hop-tls-matches-server'],
});

story('with a server of mutual TLS of the mesh it works', {
  manifests: 'seed-002-modernised',
  access: `
                                tls://www.googleapis.com
    default/bookinfo-details    allowed
  `,
  errors: [],
  warnings: [],
  refused: [],
});
