import { legacyCertificatePath } from '../../src/rules/legacy-certificate-path.ts';
import { testRule } from './test-rule.ts';

const expected = "the certificate is expected below '/etc/certs/', where Istio puts none any more (since version 1.5)";

testRule(legacyCertificatePath, {
  valid: {
    'no certificate is named': '# the bundle as it is',
    'certificates that somebody else mounts': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          tls: { mode: MUTUAL, clientCertificate: /etc/certs-of-api/tls.crt, privateKey: /etc/certs-of-api/tls.key }
    `,
    'mesh TLS reads no file': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com, caCertificates: /etc/certs/root-cert.pem } }
    `,
    'what is no matter of egress': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: shop }
      spec: { host: shop, trafficPolicy: { tls: { mode: MUTUAL, clientCertificate: /etc/certs/cert-chain.pem } } }
      ---
      kind: Gateway
      metadata: { namespace: team-a, name: shop }
      spec:
        selector: { istio: ingressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: [shop.example.org]
          tls: { mode: SIMPLE, serverCertificate: /etc/certs/cert-chain.pem, privateKey: /etc/certs/key.pem }
    `,
  },
  invalid: {
    'a server for an external host': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: [./api.example.com]
          tls:
            mode: MUTUAL
            serverCertificate: /etc/certs/cert-chain.pem # ✗ ${expected}
            privateKey: /etc/certs/key.pem
            caCertificates: /etc/certs/root-cert.pem
    `,
    'a server for every host, with a route for an external one': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: ['*']
          tls: { mode: MUTUAL, credentialName: api, caCertificates: /etc/certs/root-cert.pem } # ✗ ${expected}
    `,
    'the hop to the gateway, in a subset and for a port': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: MUTUAL, clientCertificate: /etc/certs/cert-chain.pem } # ✗ ${expected}
            portLevelSettings:
            - port: { number: 443 }
              tls: { mode: MUTUAL, privateKey: /etc/certs/key.pem } # ✗ ${expected}
    `,
    'the connection to the external host': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          tls: { mode: SIMPLE, caCertificates: /etc/certs/root-cert.pem } # ✗ ${expected}
    `,
  },
});
