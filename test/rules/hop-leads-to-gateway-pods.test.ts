import { hopLeadsToGatewayPods } from '../../src/rules/hop-leads-to-gateway-pods.ts';
import { testRule } from './test-rule.ts';

/** The DestinationRule of the bundle for the hop, balanced in some way. */
const hop = (subset: string, top = '{}', host = 'istio-egressgateway.istio-egress.svc.cluster.local'): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec:
    host: ${host}
    trafficPolicy: ${top}
    subsets:
    - name: api
      trafficPolicy:
        tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
        ${subset}
`;

const past = '# ✗ the hop goes to the address that the application dialled, past the pods of the egress gateway';

const client = (policy: string): string => `
  kind: DestinationRule
  metadata: { namespace: team-a, name: gateway }
  spec:
    host: istio-egressgateway.istio-egress.svc.cluster.local
    subsets: [{ name: api }]
    trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com }, ${policy} }
`;

testRule(hopLeadsToGatewayPods, {
  valid: {
    'nothing is said of the balancer': '# the bundle as it is',
    'it balances over pods': hop('loadBalancer: { simple: RANDOM }'),
    'another port is balanced past them': hop(
      'portLevelSettings: [{ port: { number: 443 }, loadBalancer: { simple: PASSTHROUGH } }, { port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]',
    ),
    'another subset is': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: others }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: other, trafficPolicy: { loadBalancer: { simple: PASSTHROUGH } } }]
    `,
    'the external host is': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          loadBalancer: { simple: PASSTHROUGH }
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }]
    `,
    'the host may be reached directly': {
      settings: 'directHosts: [api.example.com]',
      yaml: hop('loadBalancer: { simple: PASSTHROUGH }'),
    },
  },

  invalid: {
    'a subset is balanced past the pods': hop(`loadBalancer: { simple: PASSTHROUGH } ${past}`),
    'all of the Service is': hop('', `{ loadBalancer: { simple: PASSTHROUGH } } ${past}`),
    'a subset does not take it back': hop(
      'loadBalancer: { simple: RANDOM }',
      `{ loadBalancer: { simple: PASSTHROUGH } } ${past}`,
    ),
    'the port of the hop is': hop(
      `portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com }, loadBalancer: { simple: PASSTHROUGH } }] ${past}`,
    ),
    'the rule is that of a client': client(`loadBalancer: { simple: PASSTHROUGH } } ${past}\n  #`),
    'nothing registers the host yet': {
      remove: ['ServiceEntry istio-egress/api'],
      yaml: hop(`loadBalancer: { simple: PASSTHROUGH } ${past} (incomplete)`),
    },
    'TLS of the application is led past them': {
      on: 'end-to-end-tls',
      yaml: hop(
        `portLevelSettings: [{ port: { number: 443 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]\n        loadBalancer: { simple: PASSTHROUGH } ${past}`,
      ),
    },
  },
});
