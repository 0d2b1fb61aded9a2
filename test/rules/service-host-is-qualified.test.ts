import { serviceHostIsQualified } from '../../src/rules/service-host-is-qualified.ts';
import { testRule } from './test-rule.ts';

const partial = (name: string): string => `# ✗ '${name}' is no service: names with a dot are not completed`;

const rule = (host: string, mark = ''): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: pool }
  spec:
    host: ${host} ${mark}
    trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } }
`;

testRule(serviceHostIsQualified, {
  valid: {
    'the whole name': '# the bundle as it is',
    'the bare name in the namespace of the Service': rule('istio-egressgateway'),
    'a wildcard': rule('"*.svc.cluster.local"'),
    'an external host': rule('api.example.com'),
    'a host that nothing has': rule('other.example.com'),
    'a partial name of what is no egress gateway': rule('istiod.istio-system'),
  },

  invalid: {
    'name and namespace': rule('istio-egressgateway.istio-egress', partial('istio-egressgateway.istio-egress')),
    'without the domain of the cluster': rule(
      'istio-egressgateway.istio-egress.svc',
      partial('istio-egressgateway.istio-egress.svc'),
    ),
    'in a route, told once': `
      kind: VirtualService
      metadata: { namespace: team-a, name: mine }
      spec:
        hosts: [www.example.com]
        http:
        - route:
          - destination:
              host: istio-egressgateway.istio-egress ${partial('istio-egressgateway.istio-egress')}
              subset: api
          - destination: { host: istio-egressgateway.istio-egress }
    `,
    'in a route of a byte stream': `
      kind: VirtualService
      metadata: { namespace: team-a, name: mine }
      spec:
        hosts: [www.example.com]
        tls:
        - match: [{ port: 443, sniHosts: [www.example.com] }]
          route:
          - destination: { host: istio-egressgateway.istio-egress } ${partial('istio-egressgateway.istio-egress')}
    `,
  },
});
