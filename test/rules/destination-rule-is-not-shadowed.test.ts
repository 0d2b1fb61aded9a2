import { destinationRuleIsNotShadowed } from '../../src/rules/destination-rule-is-not-shadowed.ts';
import { testRule } from './test-rule.ts';

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';
const replaces = `it replaces DestinationRule 'istio-egress/egress-api' for the hop to '${gateway}'`;

/** The design without a subset: the top level of the DestinationRule secures the hop. */
const withoutSubset = `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
      ---
`.trim();

const anyHostServer = `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
      ---
`.trim();

testRule(destinationRuleIsNotShadowed, {
  valid: {
    'clients have no rule of their own': '# the bundle as it is',
    "a wildcard for the services of the client's namespace": `
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec:
        host: '*.team-a.svc.cluster.local'
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'a wildcard of the root namespace comes after that of the gateway': `
      kind: DestinationRule
      metadata: { namespace: istio-system, name: everything }
      spec:
        host: '*.local'
        trafficPolicy: { tls: { mode: DISABLE } }
    `,
    "a wildcard of the gateway's own namespace is less specific": `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: everything }
      spec:
        host: '*'
        trafficPolicy: { tls: { mode: DISABLE } }
    `,
    'a rule of the client that repeats the subset': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            connectionPool: { tcp: { maxConnections: 10 } }
            tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
    `,
    "a rule of the client that mends the platform's SNI": `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
      ---
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
    `,
    'a rule of the client with an SNI of another host is another matter': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } } }]
    `,
    'the rule of the client is for others': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: '*.local'
        exportTo: [team-b]
        trafficPolicy: { tls: { mode: DISABLE } }
    `,
    'a wildcard of a namespace without clients': `
      kind: Namespace
      metadata: { name: elsewhere, labels: { istio-injection: disabled } }
      ---
      kind: DestinationRule
      metadata: { namespace: elsewhere, name: defaults }
      spec:
        host: '*.local'
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'there is nothing to hide': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: own }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          trafficPolicy: { tls: { mode: DISABLE } }
      `,
    },
    'a rule for the external host': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: '*.example.com'
        trafficPolicy: { tls: { mode: SIMPLE } }
    `,
  },
  invalid: {
    'a rule for some pods of the client replaces it for them': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        workloadSelector: { matchLabels: { app: other } }
        host: '*.local'  # ✗ ${replaces}: subset 'api' is lost
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'a wildcard of the client loses the subset': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec:
        host: '*.local'  # ✗ ${replaces}: subset 'api' is lost
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'so does a rule for everything, of an older API version': `
      apiVersion: networking.istio.io/v1beta1
      kind: DestinationRule
      metadata: { namespace: team-b, name: defaults }
      spec:
        host: '*'  # ✗ ${replaces}: subset 'api' is lost
        trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } }
    `,
    'so does a rule for the very Service': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local  # ✗ ${replaces}: subset 'api' is lost
        subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
    `,
    'the subset is repeated without its TLS': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local  # ✗ ${replaces}: its TLS settings are lost
        subsets: [{ name: api }]
    `,
    'the TLS of the subset is that of another port': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local  # ✗ ${replaces}: its TLS settings are lost
        subsets:
        - name: api
          trafficPolicy:
            portLevelSettings: [{ port: { number: 443 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
    `,
    'without a subset the hop becomes plaintext': `
      ${withoutSubset}
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec:
        host: '*.local'  # ✗ ${replaces}: its TLS settings are lost
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'a wildcard turns mutual TLS on, and a server for every host takes the default SNI': `
      ${anyHostServer}
      ${withoutSubset}
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec:
        host: '*.local'  # ✗ ${replaces}: its TLS settings are lost
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }
    `,
    'several clients, each with a wildcard of its own': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: defaults }
        spec:
          host: '*.local'  # ✗ ${replaces}: subset 'api' is lost
          exportTo: [.]
        ---
        kind: DestinationRule
        metadata: { namespace: team-b, name: defaults }
        spec:
          host: '*.istio-egress.svc.cluster.local'  # ✗ ${replaces}: subset 'api' is lost
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }
      `,
    },
  },
});
