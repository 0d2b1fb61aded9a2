import { meshTlsHasNoCertificates } from '../../src/rules/mesh-tls-has-no-certificates.ts';
import { testRule } from './test-rule.ts';

/** The DestinationRule of the bundle for the hop, with another policy. */
const hop = (policy: string, host = 'istio-egressgateway.istio-egress.svc.cluster.local'): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec:
    host: ${host}
    subsets:
    - name: api
      trafficPolicy:
        ${policy}
`;

const ignored = (...fields: string[]): string =>
  `# ✗ ISTIO_MUTUAL takes the certificates of the mesh: ${fields.map((field) => `'${field}'`).join(', ')} count for nothing`;

const files = `mode: ISTIO_MUTUAL
          sni: api.example.com
          privateKey: /etc/certs/key.pem
          caCertificates: /etc/certs/root-cert.pem
          clientCertificate: /etc/certs/cert-chain.pem ${ignored('clientCertificate', 'privateKey', 'caCertificates')}`;

testRule(meshTlsHasNoCertificates, {
  valid: {
    'there is no certificate': '# the bundle as it is',
    'fields are there, and empty': hop("tls: { mode: ISTIO_MUTUAL, sni: api.example.com, credentialName: '' }"),
    'TLS is not that of the mesh': hop('tls: { mode: SIMPLE, sni: api.example.com, caCertificates: /etc/ca.crt }'),
    'names of the gateway are no certificates': hop(
      'tls: { mode: ISTIO_MUTUAL, sni: api.example.com, subjectAltNames: [spiffe://cluster.local/ns/istio-egress/sa/istio-egressgateway] }',
    ),
    'the Service is no egress gateway': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: backend }
      spec:
        host: backend
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, credentialName: backend } }
    `,
  },

  invalid: {
    'a Secret is named': hop(
      `tls: { mode: ISTIO_MUTUAL, sni: api.example.com, credentialName: api-client } ${ignored('credentialName')}`,
    ),
    'files are named, left over from MUTUAL': hop(`tls:\n          ${files}`),
    'at the port': hop(
      `portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com, caCrl: /etc/crl.pem } }] ${ignored('caCrl')}`,
    ),
    'for all subsets, under the bare name of the Service': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway
        trafficPolicy:
          tls:
            mode: ISTIO_MUTUAL
            sni: api.example.com
            credentialName: api-client ${ignored('credentialName')}
        subsets: [{ name: api }]
    `,
    'of two subsets each': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com, credentialName: api } } ${ignored('credentialName')}
        - name: next
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com, credentialName: next } } ${ignored('credentialName')}
    `,
  },
});
