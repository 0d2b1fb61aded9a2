import { clientCertificateIsVerified } from '../../src/rules/client-certificate-is-verified.ts';
import { testRule } from './test-rule.ts';

testRule(clientCertificateIsVerified, {
  valid: {
    'the server verifies certificates': '# the bundle as it is',
    'a server of another gateway is no matter of egress': `
      kind: Gateway
      metadata: { namespace: team-b, name: shop }
      spec:
        selector: { istio: ingressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: [shop.example.org]
          tls: { mode: MUTUAL, credentialName: shop, insecureSkipVerify: true }
    `,
    'the pods serve ingress too, and the server leads to a service of the mesh': `
      kind: Gateway
      metadata: { namespace: team-a, name: shop }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 8090, name: https-shop, protocol: HTTPS }
          hosts: [shop.example.org]
          tls: { mode: MUTUAL, credentialName: shop, insecureSkipVerify: true }
      ---
      kind: Service
      metadata: { namespace: team-a, name: shop }
      spec: { selector: { app: shop }, ports: [{ name: http, port: 80 }] }
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: shop }
      spec:
        hosts: [shop.example.org]
        gateways: [shop]
        http: [{ route: [{ destination: { host: shop, port: { number: 80 } } }] }]
    `,
    'a server without client certificates has none to verify': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: [./api.example.com]
          tls: { mode: SIMPLE, credentialName: api, insecureSkipVerify: true }
    `,
  },
  invalid: {
    'the server takes any certificate': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: [./api.example.com]
          tls:
            mode: ISTIO_MUTUAL
            insecureSkipVerify: true # ✗ server 'https-api' of the egress gateway takes client certificates unverified: anybody claims any identity
    `,
    'a server of a tenant takes any certificate, whatever names it lists': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 443, name: tls-x, protocol: TLS }
          hosts: [x.example.com]
          tls:
            mode: ISTIO_MUTUAL
            subjectAltNames: [spiffe://cluster.local/ns/team-a/sa/default]
            insecureSkipVerify: true # ✗ server 'tls-x' of the egress gateway takes client certificates unverified: anybody claims any identity
    `,
  },
});
