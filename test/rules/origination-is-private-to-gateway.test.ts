import { originationIsPrivateToGateway } from '../../src/rules/origination-is-private-to-gateway.ts';
import { testRule } from './test-rule.ts';

/** The DestinationRule of the bundle that originates TLS, with other settings. */
const origination = (
  tls: string,
  head = 'exportTo: ["*"]',
  metadata = 'namespace: istio-egress, name: originate-api',
) => `
  kind: DestinationRule
  metadata: { ${metadata} }
  spec:
    host: api.example.com
    ${head}
    trafficPolicy:
      portLevelSettings:
      - port: { number: 80 }
        tls: ${tls}
`;

const files = (mark = ''): string => `
          mode: MUTUAL
          clientCertificate: /etc/api-client/tls.crt ${mark}
          privateKey: /etc/api-client/tls.key
          caCertificates: /etc/api-client/ca.crt
`;

const waits = "# ✗ sidecars that see 'api.example.com' apply this too, and wait for the file '/etc/api-client/tls.crt'";
const secret = '{ mode: MUTUAL, credentialName: api-client }';
const plaintext =
  "# ✗ sidecars leave out TLS for the sake of the Secret 'api-client', and connect to 'api.example.com' without the gateway: plaintext leaves";

/** The ServiceEntry of the bundle for some namespaces only. */
const entryFor = (namespaces: string): string => `
  kind: ServiceEntry
  metadata: { namespace: istio-egress, name: api }
  spec:
    hosts: [api.example.com]
    exportTo: ${namespaces}
    resolution: DNS
    ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`;

/** ServiceEntry and DestinationRule in a namespace beside that of the gateway. */
const elsewhere = (tls: string): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec: { hosts: [unused.example.com], resolution: DNS, exportTo: [.], ports: [{ number: 80, name: http, protocol: HTTP }] }
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec: { host: unused.example.com }
      ---
      kind: ServiceEntry
      metadata: { namespace: outside, name: api }
      spec:
        hosts: [api.example.com]
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      ${origination(tls, '', 'namespace: outside, name: originate-api').trim().replaceAll('\n', '\n    ')}
`;

testRule(originationIsPrivateToGateway, {
  valid: {
    'no certificate is needed': '# the bundle as it is',
    'a Secret, where all requests go to the gateway, is for the gateway alone': origination(secret),
    'the rule with files stays in the namespace of the gateway': origination(files(), 'exportTo: [.]'),
    'the rule with files is exported to the namespace of the gateway': origination(
      files(),
      'exportTo: [istio-egress]',
      'namespace: istio-egress, name: originate-api',
    ),
    'it selects the pods of the gateway': origination(
      files(),
      'workloadSelector: { matchLabels: { istio: egressgateway } }',
    ),
    'clients do not see the host, which they reach by a route for port 80': `
      ${entryFor('[.]').trim().replaceAll('\n', '\n    ')}
      ---
      ${origination(files()).trim().replaceAll('\n', '\n    ')}
    `,
    'the authorities come with the proxy': origination(
      '{ mode: SIMPLE, caCertificates: /etc/ssl/certs/ca-certificates.crt }',
    ),
    'the authorities are the public ones': origination('{ mode: SIMPLE, caCertificates: system }'),
    'files that are nowhere are another matter': origination(
      '{ mode: MUTUAL, clientCertificate: /etc/certs/cert-chain.pem, privateKey: /etc/certs/key.pem }',
    ),
    'sidecars originate TLS themselves, with the Secret that their pods select': {
      remove: ['VirtualService istio-egress/api'],
      yaml: origination(
        secret,
        'workloadSelector: { matchLabels: { app: a } }',
        'namespace: team-a, name: originate-api-at-sidecar',
      ),
    },
    'sidecars originate TLS themselves, with files that are mounted into them': {
      remove: ['VirtualService istio-egress/api'],
      yaml: origination(files()),
    },
  },

  invalid: {
    'certificates are in files, and the rule is for everybody': origination(files(waits)),
    'by the default of `exportTo`': origination(files(waits), ''),
    'an authority of its own is in a file': origination(`
          mode: SIMPLE
          caCertificates: /etc/api-client/ca.crt ${waits.replace('tls.crt', 'ca.crt')}
    `),
    'the rule is exported to a team': origination(files(waits), 'exportTo: [istio-egress, team-a]'),
    'the rule is in the root namespace': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec: { host: other.example.com }
      ---
      ${origination(files(waits), '', 'namespace: istio-system, name: originate-outside').trim().replaceAll('\n', '\n    ')}
    `,
    'the ServiceEntry and the rule are in a namespace of their own': elsewhere(files(waits)),
    'Sidecars import only the route, which brings the ServiceEntry along': `
      ${elsewhere(files(waits))}
      ---
      kind: Sidecar
      metadata: { namespace: istio-system, name: default }
      spec: { egress: [{ hosts: [istio-egress/*] }] }
    `,
    'a Secret, where clients go past the gateway': {
      remove: ['VirtualService istio-egress/api'],
      yaml: origination(secret).replace('credentialName: api-client }', `credentialName: api-client } ${plaintext}`),
    },
    'a Secret, where the host is to be reached directly': {
      remove: ['VirtualService istio-egress/api'],
      settings: 'directHosts: [api.example.com]',
      yaml: origination(secret).replace('credentialName: api-client }', `credentialName: api-client } ${plaintext}`),
    },
  },
});
