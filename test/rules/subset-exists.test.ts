import { subsetExists } from '../../src/rules/subset-exists.ts';
import { testRule } from './test-rule.ts';

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';
const noSubset = `no DestinationRule for '${gateway}' that the clients apply has a subset 'api'`;
const noPods = `no pod of '${gateway}' has the labels of subset 'api' (incomplete)`;
/** The route of the bundle that names the subset. */
const onTheRoute = `# ✗ VirtualService istio-egress/api: ${noSubset} (incomplete)`;

testRule(subsetExists, {
  valid: {
    'the subset is defined beside the gateway': '# the bundle as it is',
    'the same where the application speaks TLS': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'every host has a DestinationRule with a subset of its own': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-www }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
    `,
    'the DestinationRule names the Service in short': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
    `,
    'the DestinationRule is of an older API version': `
      apiVersion: networking.istio.io/v1beta1
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
    `,
    'the root namespace defines the subset for a wildcard': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-system, name: egress }
        spec:
          host: '*.istio-egress.svc.cluster.local'
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      `,
    },
    'each client namespace defines the subset for itself': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          exportTo: [.]
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
        ---
        kind: DestinationRule
        metadata: { namespace: team-b, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          exportTo: [.]
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      `,
    },
    'the labels of the subset are those of the gateway pods': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          labels: { istio: egressgateway }
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
    `,
    'a route without subset needs none': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }] }]
      `,
    },
    'a subset without pods that nobody routes to': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: later }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: later, labels: { version: v2 } }]
    `,
    "a wildcard of the client's namespace that hides the subset is another matter": `
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec:
        host: '*.local'
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'a missing port of the gateway is another matter': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: nope, port: { number: 8080 } } }] }]
    `,
  },
  invalid: {
    'no DestinationRule at all': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: onTheRoute,
    },
    'the subset has another name': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: apis, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      ${onTheRoute}
    `,
    'the route names a subset that nobody defines': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route:
          - destination:
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: API  # ✗ no DestinationRule for '${gateway}' that the clients apply has a subset 'API' (incomplete)
              port: { number: 80 }
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'a weighted route to a subset that does not exist': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route:
          - { destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }, weight: 90 }
          - weight: 10
            destination:
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: canary  # ✗ no DestinationRule for '${gateway}' that the clients apply has a subset 'canary' (incomplete)
              port: { number: 80 }
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'the DestinationRule stands in a namespace that nobody looks into': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: elsewhere, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
        ${onTheRoute}
      `,
    },
    'the short name means a Service of the namespace of the DestinationRule': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-system, name: egress-api }
        spec:
          host: istio-egressgateway
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
        ${onTheRoute}
      `,
    },
    'the DestinationRule is exported to one of the clients only': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        exportTo: [., team-a]
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      ${onTheRoute}
    `,
    'a younger DestinationRule that is exported otherwise hides the subset': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-www }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        exportTo: ['*']
        subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
      ${onTheRoute}
    `,
    'no pod has the labels of the subset': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          labels: { version: v2 }  # ✗ ${noPods}
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
    `,
    'the labels are in another DestinationRule than the oldest one': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: first }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: second }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
            labels:  # ✗ ${noPods}
              app: egress
      `,
    },
    'a rule of the client repeats the subset with labels that no pod has': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          labels: { version: v2 }  # ✗ ${noPods}
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
    `,
    'a rule for some pods of the namespace leaves the others without the subset': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        workloadSelector: { matchLabels: { app: other } }
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      ${onTheRoute}
    `,
  },
});
