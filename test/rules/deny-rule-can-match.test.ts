import { denyRuleCanMatch } from '../../src/rules/deny-rule-can-match.ts';
import { testRule } from './test-rule.ts';

/** The policy of the bundle with other rules; their lines may carry marks. */
const deny = (rules: string): string => `
  kind: AuthorizationPolicy
  metadata: { namespace: istio-egress, name: deny-team-b }
  spec:
    selector: { matchLabels: { istio: egressgateway } }
    action: DENY
    rules:
    ${rules}
`;

const plaintextServer = `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [./api.example.com] }]
  ---
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec:
    host: istio-egressgateway.istio-egress.svc.cluster.local
    subsets: [{ name: api }]
  ---
`;

const anyHostServer = `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
  ---
`;

const withoutSni = `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec:
    host: istio-egressgateway.istio-egress.svc.cluster.local
    subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
  ---
`;

const corpMesh = `
  apiVersion: v1
  kind: ConfigMap
  metadata: { namespace: istio-system, name: istio }
  data: { mesh: "{ trustDomain: corp.example }" }
  ---
`;

testRule(denyRuleCanMatch, {
  valid: {
    'the policy names a namespace and the SNI of the hop': '# the bundle as it is',
    'the same where the application speaks TLS': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a namespace that does not exist yet may come': deny(`- from: [{ source: { namespaces: [team-z] } }]`),
    'a principal of an account that does not exist yet': deny(
      `- from: [{ source: { principals: [cluster.local/ns/team-z/sa/batch] } }]`,
    ),
    'principals by prefix, and by suffix': deny(
      `- from: [{ source: { principals: [cluster.local/ns/team-b/*] } }, { source: { principals: ['*/ns/team-b/sa/x'] } }]`,
    ),
    'a principal that begins in the middle of a name': deny(`- from: [{ source: { principals: ['*team-b/sa/x'] } }]`),
    'any principal': deny(`- from: [{ source: { principals: ['*'] } }]`),
    'a namespace by pattern': deny(`- from: [{ source: { namespaces: [team-*] } }]`),
    'a service account with its namespace': deny(`- from: [{ source: { serviceAccounts: [team-b/x] } }]`),
    'five parts of cluster.local stand for the trust domain of the mesh': `
      ${corpMesh.trim().replaceAll('\n', '\n    ')}
      ${deny(`- from: [{ source: { principals: [cluster.local/ns/team-b/sa/x] } }]`).trim().replaceAll('\n', '\n    ')}
    `,
    'four parts of cluster.local in the mesh of that name': deny(
      `- from: [{ source: { principals: [cluster.local/ns/team-b/*] } }]`,
    ),
    'workloads of another mesh may be trusted': deny(
      `- from: [{ source: { principals: [partner.example/ns/shop/sa/web] } }]`,
    ),
    'everybody but one': deny(`- from: [{ source: { notNamespaces: [team-a] } }]`),
    'the port of the pod': deny(`- to: [{ operation: { ports: ["8080"] } }]`),
    'a host that the client may ask for, though no route leads to it': deny(
      `- to: [{ operation: { hosts: [evil.example.com, "evil.example.com:*"] } }]`,
    ),
    'a method that the client chooses': deny(`- to: [{ operation: { methods: [DELETE] } }]`),
    'every request': deny('- {}'),
    'any SNI': deny(`- when: [{ key: connection.sni, values: ['*'] }]`),
    'an SNI by its ending': deny(`- when: [{ key: connection.sni, values: ['*.example.com'] }]`),
    'by namespace where the default SNI meets a server for every host': `
      ${anyHostServer.trim().replaceAll('\n', '\n    ')}
      ${withoutSni.trim().replaceAll('\n', '\n    ')}
      ${deny(`- from: [{ source: { namespaces: [team-b] } }]`).trim().replaceAll('\n', '\n    ')}
    `,
    'where the path breaks before policies are asked, there is nothing to say': withoutSni,
    'where another SNI than the host is pinned, the rule about the hop speaks': `
      ${anyHostServer.trim().replaceAll('\n', '\n    ')}
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } } }]
    `,
    'anybody on a server without client certificates': `
      ${plaintextServer.trim().replaceAll('\n', '\n    ')}
      ${deny(`- from: [{ source: { notNamespaces: [team-a] } }]`).trim().replaceAll('\n', '\n    ')}
    `,
    'a dry run denies nothing anyway': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b, annotations: { istio.io/dry-run: "true" } }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: [{ from: [{ source: { principals: [spiffe://cluster.local/ns/team-b/sa/x] } }] }]
    `,
    'a policy of another workload': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: local }
      spec:
        selector: { matchLabels: { app: a } }
        action: DENY
        rules: [{ to: [{ operation: { ports: ["80"] } }] }]
    `,
    'a policy for the whole mesh is not written for the gateway': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: no-debug }
      spec:
        action: DENY
        rules: [{ to: [{ operation: { ports: ["15000"] } }] }]
    `,
    'an ALLOW rule is another matter': deny(`- to: [{ operation: { ports: ["80"] } }]`).replace('DENY', 'ALLOW'),
  },

  invalid: {
    'Istio puts spiffe:// in front of principals itself': deny(`
    - from:
      - source:
          principals:
          - spiffe://cluster.local/ns/team-b/sa/x # ✗ it denies nothing: Istio puts 'spiffe://' in front of every principal, also of 'spiffe://cluster.local/ns/team-b/sa/x'
    `),
    'one of two principals': deny(`
    - from:
      - source:
          principals:
          - cluster.local/ns/team-a/sa/default
          - cluster.local/ns/*/sa/x # ✗ it denies nothing: the '*' inside 'cluster.local/ns/*/sa/x' stands for itself
    `),
    'a star at both ends': deny(
      `- from: [{ source: { principals: ['*/ns/team-b/*'] } }] # ✗ it denies nothing: behind the leading '*' of '*/ns/team-b/*' the other '*' stands for itself`,
    ),
    'a principal that is only an account': deny(
      `- from: [{ source: { principals: [team-b/x] } }] # ✗ it denies nothing: 'team-b/x' has not the form of identities, TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`,
    ),
    'the same as an attribute': deny(
      `- when: [{ key: source.principal, values: [team-b/x] }] # ✗ it denies nothing: 'team-b/x' has not the form of identities, TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`,
    ),
    'four parts of cluster.local in a mesh with another trust domain': `
      ${corpMesh.trim().replaceAll('\n', '\n    ')}
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules:
        - from: [{ source: { principals: [cluster.local/ns/team-b/*] } }] # ✗ it denies nothing: 'cluster.local/ns/team-b/*' has not five parts, and its 'cluster.local' does not stand for trust domain 'corp.example'
    `,
    'a service account without namespace is one of the gateway namespace': deny(
      `- from: [{ source: { serviceAccounts: [x] } }] # ✗ it denies nothing: 'x' without a namespace is an account of 'istio-egress', where no clients are`,
    ),
    'so it is as an attribute': deny(
      `- when: [{ key: source.serviceAccount, values: [team-b/x, x] }] # ✗ it denies nothing: 'x' without a namespace is an account of 'istio-egress', where no clients are`,
    ),
    'the port of the Service': deny(
      `- to: [{ operation: { ports: ["80"] } }] # ✗ it denies nothing: policies compare the port of the pod, not of the Service, and the gateway's pods listen on 8080`,
    ),
    'the port of the Service among other conditions': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      when:
      - { key: connection.sni, values: [api.example.com] }
      - { key: destination.port, values: ["80"] } # ✗ it denies nothing: policies compare the port of the pod, not of the Service, and the gateway's pods listen on 8080
    `),
    'a port that a server may open one day': deny(
      `- to: [{ operation: { ports: ["9443"] } }] # ✗ it denies nothing: policies compare the port of the pod, not of the Service, and the gateway's pods listen on 8080 (incomplete)`,
    ),
    'the SNI in upper case': deny(
      `- when: [{ key: connection.sni, values: [API.example.com] }] # ✗ it denies nothing: Envoy sees every SNI in lower case, never 'API.example.com'`,
    ),
    'the SNI of a host that no route leads to the gateway': deny(
      `- when: [{ key: connection.sni, values: [other.example.com] }] # ✗ it denies nothing: no route leads 'other.example.com' to the gateway, and nothing else has that SNI (incomplete)`,
    ),
    'one of two SNIs': deny(`
    - when:
      - key: connection.sni
        values:
        - api.example.com
        - other.example.com # ✗ it denies nothing: no route leads 'other.example.com' to the gateway, and nothing else has that SNI (incomplete)
    `),
    'an SNI by an ending that nothing has': deny(
      `- when: [{ key: connection.sni, values: ['*.example.org'] }] # ✗ it denies nothing: no connection has such an SNI; one has 'api.example.com' (incomplete)`,
    ),
    'nobody sets the SNI, and the server takes every one': `
      ${anyHostServer.trim().replaceAll('\n', '\n    ')}
      ${withoutSni.trim().replaceAll('\n', '\n    ')}
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules:
        - when: [{ key: connection.sni, values: [api.example.com] }] # ✗ it denies nothing: requests for 'api.example.com' arrive with SNI 'outbound_.80_.api_.istio-egressgateway.istio-egress.svc.cluster.local'
    `,
    'a server without client certificates knows no namespace': `
      ${plaintextServer.trim().replaceAll('\n', '\n    ')}
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules:
        - from: [{ source: { namespaces: [team-b] } }] # ✗ it denies nothing: requests arrive without a client certificate, as the server is plaintext
    `,
    'plaintext has no SNI': `
      ${plaintextServer.trim().replaceAll('\n', '\n    ')}
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules:
        - when: [{ key: connection.sni, values: [api.example.com] }] # ✗ it denies nothing: requests for 'api.example.com' arrive without TLS, hence without SNI
        - when: [{ key: connection.sni, values: ['*'] }] # ✗ it denies nothing: requests arrive without TLS, hence without SNI
    `,
    'conditions that exclude each other': deny(
      `- from: [{ source: { namespaces: [team-a], principals: [cluster.local/ns/team-b/sa/x] } }] # ✗ it denies nothing: no request fulfils all of its conditions at once`,
    ),
    'a condition that excludes everything': deny(
      `- when: [{ key: connection.sni, notValues: ['*'] }] # ✗ it denies nothing: it excludes every request that arrives`,
    ),
    'a rule of a policy for the whole mesh that names the host': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        action: DENY
        rules:
        - from: [{ source: { principals: [team-b/x] } }] # ✗ it denies nothing: 'team-b/x' has not the form of identities, TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT
          when: [{ key: connection.sni, values: [api.example.com] }]
    `,
  },
});
