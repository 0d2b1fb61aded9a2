import { hopSniServesOneHost } from '../../src/rules/hop-sni-serves-one-host.ts';
import { testRule } from './test-rule.ts';

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';

const www = (subset: string, port = 80): string => `
  kind: ServiceEntry
  metadata: { namespace: istio-egress, name: www }
  spec:
    hosts: [www.example.com]
    location: MESH_EXTERNAL
    resolution: DNS
    ports: [{ number: 80, name: http, protocol: HTTP }]
  ---
  kind: VirtualService
  metadata: { namespace: istio-egress, name: www }
  spec:
    hosts: [www.example.com]
    http:
    - route:
      - destination:
          host: ${gateway}
          ${subset}
          port: { number: ${port} }
  ---
`;

const rule = (spec: string): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec: { host: ${gateway}, ${spec} }
`;

const shared = (where: string): string =>
  `# ✗ SNI 'api.example.com' is sent for host 'www.example.com', too, as both use ${where} of the gateway`;

testRule(hopSniServesOneHost, {
  valid: {
    'one host': '# the bundle as it is',
    'a subset for each': `${www('subset: www')}${rule(
      'subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }, { name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]',
    )}`,
    'nobody sets the SNI: one subset for all hosts is legal where the server is': `${www('subset: api')}${rule(
      'subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]',
    )}`,
    'the SNI is that of no host: another rule speaks': `${www('subset: api')}${rule(
      'subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: egress.internal } } }]',
    )}`,
    'another port is another hop': www('subset: api', 443),
    'plaintext has no SNI': `${www('subset: api')}${rule('subsets: [{ name: api }]')}`,
  },

  invalid: {
    'a second host takes the subset of the first': www(`subset: api ${shared("subset 'api' and port 80")}`),
    'without subsets': {
      remove: ['VirtualService istio-egress/api'],
      yaml: `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: api-mesh }
  spec:
    hosts: [api.example.com]
    http: [{ route: [{ destination: { host: ${gateway}, port: { number: 80 } } }] }]
  ---${www('').replace('destination:\n', `destination: ${shared('port 80')}\n`)}${rule(
    'trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }',
  )}`,
    },
  },
});
