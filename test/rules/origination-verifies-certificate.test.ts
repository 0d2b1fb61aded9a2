import { originationVerifiesCertificate } from '../../src/rules/origination-verifies-certificate.ts';
import { testRule } from './test-rule.ts';

testRule(originationVerifiesCertificate, {
  valid: {
    'certificates are verified': '# the bundle as it is',
    'a rule that only a client applies concerns no gateway': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: api }
      spec:
        host: api.example.com
        exportTo: [.]
        trafficPolicy: { tls: { mode: SIMPLE, insecureSkipVerify: true } }
    `,
    'the setting is that of another port': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          portLevelSettings:
          - { port: { number: 443 }, tls: { mode: SIMPLE, insecureSkipVerify: true } }
          - { port: { number: 80 }, tls: { mode: SIMPLE } }
    `,
    'without TLS there is no certificate': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy: { tls: { mode: DISABLE, insecureSkipVerify: true } }
    `,
  },
  invalid: {
    'the gateway takes any certificate': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          portLevelSettings:
          - port: { number: 80 }
            tls:
              mode: SIMPLE
              insecureSkipVerify: true # ✗ the gateway takes any certificate as that of 'api.example.com'
    `,
    'a wildcard rule of the root namespace turns verification off': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-system, name: originate }
        spec:
          host: '*.example.com'
          trafficPolicy: { tls: { mode: SIMPLE, insecureSkipVerify: true } } # ✗ the gateway takes any certificate as that of 'api.example.com'
      `,
    },
  },
});
