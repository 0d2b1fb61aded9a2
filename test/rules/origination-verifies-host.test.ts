import { originationVerifiesHost } from '../../src/rules/origination-verifies-host.ts';
import { type RuleCase, testRule } from './test-rule.ts';

const origination = (tls: string, mark = ''): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: originate-api }
  spec:
    host: api.example.com
    trafficPolicy:
      portLevelSettings:
      - port: { number: 80 }
        tls: ${tls} ${mark}
`;

const anyName = "# ✗ TLS to 'api.example.com' accepts a certificate of any name";

/** In place of a DestinationRule, in the bundle with the Gateway API. */
const backendPolicy = (validation: string, mark = ''): RuleCase => ({
  on: 'gateway-api',
  remove: ['DestinationRule istio-egress/origination'],
  yaml: `
    kind: BackendTLSPolicy
    metadata: { namespace: istio-egress, name: origination }
    spec:
      targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
      validation: ${validation} ${mark}
  `,
});

testRule(originationVerifiesHost, {
  valid: {
    'the SNI, and with it the name, is the authority': '# the bundle as it is',
    'the names are listed': origination('{ mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.example.com] }'),
    'the ServiceEntry lists the names': `
      ${origination('{ mode: SIMPLE, sni: api.example.com }').trim().replaceAll('\n', '\n    ')}
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        resolution: DNS
        subjectAltNames: [api.example.com]
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `,
    'nothing is verified at all, which is worse': origination('{ mode: SIMPLE, insecureSkipVerify: true }'),
    'a BackendTLSPolicy lists the names': backendPolicy(
      '{ hostname: api.example.com, wellKnownCACertificates: System, subjectAltNames: [{ type: Hostname, hostname: api.example.com }] }',
    ),
    'no TLS': origination('{ mode: DISABLE, sni: api.example.com }'),
    'the TLS of the application is its own matter': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
  },

  invalid: {
    'the hostname of a BackendTLSPolicy is an SNI, and no name to Istio': backendPolicy(
      '{ hostname: api.example.com, wellKnownCACertificates: System }',
      anyName,
    ),
    'with an authority of its own, too': backendPolicy(
      '{ hostname: api.example.com, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }] }',
      anyName,
    ),
    'the SNI is set, and no name': origination('{ mode: SIMPLE, sni: api.example.com }', anyName),
    'with a certificate of its own, too': origination(
      '{ mode: MUTUAL, credentialName: api, sni: api.example.com }',
      anyName,
    ),
  },
});
