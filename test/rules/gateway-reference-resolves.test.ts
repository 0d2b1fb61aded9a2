import { expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import { gatewayReferenceResolves } from '../../src/rules/gateway-reference-resolves.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { testRule } from './test-rule.ts';

/** Rules of both legs, the gateway's called as given. */
const legs = (gateway: string): string => `
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [${gateway}], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`;

/** The VirtualService of the bundle, somewhere else. */
const moved = (head: string): string => `
      kind: VirtualService
      metadata: { namespace: team-a, name: api }
      spec:
        hosts: [api.example.com]
        ${head}
        ${legs('istio-egress/egress').trim()}
`;

const gatewayOf = (hosts: string): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https, protocol: HTTPS }
          hosts: ${hosts}
          tls: { mode: ISTIO_MUTUAL }
`;

const withoutVirtualService = ['VirtualService istio-egress/api'];

testRule(gatewayReferenceResolves, {
  valid: {
    'both legs name what is there': '# the bundle as it is',
    'the name of older versions, with dots': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress.istio-egress.svc.cluster.local]
        ${legs('egress').trim()}
    `,
    'its own namespace as a dot': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, ./egress]
        ${legs('istio-egress/egress').trim()}
    `,
    'no gateways at all mean sidecars': `
      kind: VirtualService
      metadata: { namespace: team-b, name: own }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
    `,
    'an ingress design is none of it': `
      kind: VirtualService
      metadata: { namespace: team-a, name: shop }
      spec:
        hosts: [shop.example.org]
        gateways: [missing]
        http:
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { host: shop.team-a.svc.cluster.local } }]
    `,
    'a VirtualService in another namespace that is exported to the gateway': {
      remove: withoutVirtualService,
      yaml: `
      ${moved('gateways: [mesh, istio-egress/egress]').trim()}
      ---
      ${gatewayOf('[team-a/api.example.com]').trim()}
      `,
    },
    'a private copy beside one that the gateway sees': `
      ${moved("gateways: [mesh, istio-egress/egress]\n        exportTo: ['.']").trim()}
    `,
    'a delegate has no gateways of its own': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: part }
      spec:
        http: [{ match: [{ gateways: [elsewhere/egress] }], route: [{ destination: { host: api.example.com } }] }]
    `,
  },
  invalid: {
    'sidecars are meant, and not listed': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http:
        - match:
          - gateways: [mesh]  # ✗ the match is for gateway 'mesh', which the VirtualService does not list: it never applies
            port: 80
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'the same before anything registers the host': {
      remove: ['ServiceEntry istio-egress/api'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [egress]
          http:
          - match: [{ gateways: [mesh], port: 80 }]  # ✗ the match is for gateway 'mesh', which the VirtualService does not list: it never applies
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
      `,
    },
    'the gateway is meant in several matches, and not listed': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
          tcp:
          - match:
            - { gateways: [egress], port: 443 }  # ✗ the match is for gateway 'egress', which the VirtualService does not list: it never applies
            - { gateways: [egress], port: 8443 }
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
    'a bare name means the own namespace': {
      remove: withoutVirtualService,
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-a, name: api }
        spec:
          hosts: [api.example.com]
          gateways:
          - mesh
          - egress  # ✗ there is no Gateway 'team-a/egress' (incomplete)
          ${legs('egress').trim().split('\n').join('\n  ')}
      `,
    },
    'the Gateway is not there yet': {
      remove: ['Gateway istio-egress/egress'],
      yaml: "# ✗ VirtualService istio-egress/api: there is no Gateway 'istio-egress/egress' (incomplete)",
    },
    'clients have copies of their own, the gateway has none yet': {
      remove: withoutVirtualService,
      yaml: moved(`gateways: [mesh, istio-egress/egress]
        exportTo: ['.']  # ✗ the VirtualService is not exported to 'istio-egress', where the pods of Gateway 'istio-egress/egress' run (incomplete)`),
    },
    'a list of namespaces forgets the one of the pods': {
      remove: withoutVirtualService,
      yaml: moved(`gateways: [mesh, istio-egress/egress]
        exportTo: [team-a, team-b]  # ✗ the VirtualService is not exported to 'istio-egress', where the pods of Gateway 'istio-egress/egress' run`),
    },
    'the server takes VirtualServices of its own namespace only': {
      remove: withoutVirtualService,
      yaml: moved(
        `gateways: [mesh, istio-egress/egress]  # ✗ Gateway 'istio-egress/egress' takes 'istio-egress/api.example.com' from VirtualServices of namespace 'istio-egress' only`,
      ),
    },
    'the server of byte streams takes those of another namespace only': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [team-b/api.example.com], tls: { mode: ISTIO_MUTUAL } }
        # ✗ VirtualService istio-egress/api: Gateway 'istio-egress/egress' takes 'team-b/api.example.com' from VirtualServices of namespace 'team-b' only
      `,
    },
    'a wildcard for registered names': {
      remove: withoutVirtualService,
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-a, name: mesh-leg }
        spec:
          hosts: [api.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
        ---
        kind: VirtualService
        metadata: { namespace: team-a, name: wild }
        spec:
          hosts: ['*.example.com']
          gateways: [istio-egress/egress]  # ✗ Gateway 'istio-egress/egress' takes 'istio-egress/api.example.com' from VirtualServices of namespace 'istio-egress' only
          http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
      `,
    },
  },
});

it.each([
  ['the Gateway of that name that serves the host', 'team-a', 'name `istio-egress/egress`'],
  ['nothing where none of that name is there', 'istio-egress', 'add the Gateway, or name one that exists'],
])('suggests %s', (_, namespace, fix) => {
  const gateway = namespace === 'team-a' ? 'egress' : 'egres';
  const yaml = `
kind: VirtualService
metadata: { namespace: ${namespace}, name: own }
spec:
  hosts: [api.example.com]
  gateways: [${gateway}]
  http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
`;
  const files = [...bundleFiles('http-origination'), parseManifests('case.yaml', yaml)];
  const options = { today: () => '2026-01-01', assumesGateways: true };
  const findings = createGuard(readInput(files).resources, defaultSettings, options).check();
  const own = findings.filter(({ rule }) => rule === gatewayReferenceResolves.name);
  expect(own.map((finding) => finding.fix)).toEqual([fix]);
});
