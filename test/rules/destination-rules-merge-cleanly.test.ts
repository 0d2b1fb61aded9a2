import { destinationRulesMergeCleanly } from '../../src/rules/destination-rules-merge-cleanly.ts';
import { testRule } from './test-rule.ts';

/** Another rule for the gateway's Service, younger than the platform's or of the year before. */
const another = (spec: string, age: 'younger' | 'older' = 'younger', namespace = 'istio-egress'): string => `
  kind: DestinationRule
  metadata:
    namespace: ${namespace}
    name: another
    ${age === 'older' ? "creationTimestamp: '2025-01-01T00:00:00Z'" : 'labels: {}'}
  spec:
    host: istio-egressgateway.istio-egress.svc.cluster.local
    ${spec}
`;

const subset = (name: string, sni: string, mark = ''): string =>
  `subsets:
    - name: ${name}${mark}
      trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: ${sni} } }`;

const ignored = 'which comes first, has one of the same name with other settings';

testRule(destinationRulesMergeCleanly, {
  valid: {
    'one rule alone': '# the bundle as it is',
    'rules with a subset each': another(subset('other', 'other.example.com')),
    'the same subset with the same settings': another(subset('api', 'api.example.com')),
    'rules of two namespaces do not merge': another(subset('api', 'other.example.com'), 'younger', 'istio-system'),
    'the same subset for another host': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: another }
      spec:
        host: other.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: DISABLE } } }]
    `,
    'a Service that is no matter of egress': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: one }
      spec: { host: shop, subsets: [{ name: v1, labels: { version: v1 } }] }
      ---
      kind: DestinationRule
      metadata: { namespace: team-a, name: two }
      spec: { host: shop, subsets: [{ name: v1, labels: { version: v2 } }], exportTo: [.] }
    `,
    'all say to whom they are exported': `
      ${another(`exportTo: ['*']\n    ${subset('other', 'other.example.com')}`)
        .trim()
        .replaceAll('\n', '\n    ')}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        exportTo: ['*']
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
    `,
    'a rule for certain pods is no matter of merging': another(
      `workloadSelector: { matchLabels: { app: a } }\n    ${subset('api', 'other.example.com')}`,
    ),
  },
  invalid: {
    'a younger rule has the same subset with another SNI': another(
      subset(
        'api',
        'other.example.com',
        ` # ✗ subset 'api' is ignored: DestinationRule 'istio-egress/egress-api', ${ignored}`,
      ),
    ),
    'an older rule has the same subset with another SNI': `
      ${another(subset('api', 'other.example.com'), 'older').trim().replaceAll('\n', '\n    ')}
      # ✗ DestinationRule istio-egress/egress-api: subset 'api' is ignored: DestinationRule 'istio-egress/another', ${ignored}
    `,
    'two rules have a top-level policy, with different TLS': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-again }
      spec:
        host: api.example.com
        trafficPolicy: { tls: { mode: SIMPLE } } # ✗ the traffic policy is ignored, and its TLS with it: DestinationRule 'istio-egress/originate-api', which comes first, has one for the same host
    `,
    'two rules have a top-level policy, with equal TLS': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-again }
      spec:
        host: api.example.com
        trafficPolicy: # ✗ the traffic policy is ignored: DestinationRule 'istio-egress/originate-api', which comes first, has one for the same host
          connectionPool: { tcp: { maxConnections: 5 } }
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }]
    `,
    'a younger rule for one namespace hides the subset from it': another(
      `exportTo: [team-a] # ✗ subset 'api' of DestinationRule 'istio-egress/egress-api' is lost for namespace 'team-a', as 'exportTo' differs from its own\n    ${subset('other', 'other.example.com')}`,
    ),
    'an older rule for one namespace has a subset that is hidden from it': `
      ${another(`exportTo: ['*']\n    ${subset('other', 'other.example.com')}`, 'older')
        .trim()
        .replaceAll('\n', '\n    ')}
      # ✗ DestinationRule istio-egress/egress-api: subset 'other' of DestinationRule 'istio-egress/another' is lost for every namespace, as 'exportTo' differs from its own
    `,
    'a rule for more namespaces is folded into one for fewer': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        exportTo: [team-a]
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: for-both }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        exportTo: [team-a, team-b] # ✗ subset 'api' is lost for namespace 'team-b', as 'exportTo' differs from that of DestinationRule 'istio-egress/egress-api'
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
    `,
    'a copy for one namespace has no effect': another(
      `exportTo: [team-a] # ✗ 'exportTo' differs from that of DestinationRule 'istio-egress/egress-api': Istio merges nothing and uses one of the two alone\n    ${subset('api', 'api.example.com')}`,
    ),
    'a rule that only the namespace of the gateway sees hides origination from the gateway': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: own }
      spec:
        host: api.example.com
        exportTo: [.] # ✗ the traffic policy of DestinationRule 'istio-egress/originate-api' is lost for namespace 'istio-egress', as 'exportTo' differs from its own
        subsets: [{ name: v1 }]
    `,
  },
});
