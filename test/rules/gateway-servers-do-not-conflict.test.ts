import { gatewayServersDoNotConflict } from '../../src/rules/gateway-servers-do-not-conflict.ts';
import { testRule } from './test-rule.ts';

/** A Gateway of another namespace on the platform's pods: younger than the platform's, or of the year before. */
const tenant = (server: string, age: 'younger' | 'older' = 'younger', selector = 'egressgateway'): string => `
  kind: Gateway
  metadata:
    namespace: team-b
    name: tenant
    ${age === 'older' ? "creationTimestamp: '2025-01-01T00:00:00Z'" : 'labels: {}'}
  spec:
    selector: { istio: ${selector} }
    servers:
    - ${server}
`;

const mutual = (
  number: number,
  name: string,
  hosts: string,
  mark = '',
): string => `port: { number: ${number}, name: ${name}, protocol: HTTPS }
      tls: { mode: ISTIO_MUTUAL }
      hosts: [${hosts}]${mark}`;

const plain = (
  number: number,
  mark = '',
  more = '',
): string => `port: { number: ${number}, name: http, protocol: HTTP }${mark}
      hosts: [x.example.com]
      ${more}`;

testRule(gatewayServersDoNotConflict, {
  valid: {
    'one server alone': '# the bundle as it is',
    'other hosts on the same port': tenant(mutual(80, 'https-x', 'x.example.com')),
    'the same host on another port': tenant(mutual(443, 'https-api', 'istio-egress/api.example.com')),
    'the same host and port on other pods': tenant(
      mutual(80, 'https-api', 'istio-egress/api.example.com'),
      'younger',
      'ingressgateway',
    ),
    'plaintext on an address of its own': tenant(plain(80, '', 'bind: 127.0.0.5')),
    'plaintext HTTP servers merge': `
      ${tenant(plain(9000)).trim().replaceAll('\n', '\n    ')}
      ---
      kind: Gateway
      metadata: { namespace: team-a, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 9000, name: http, protocol: HTTP }, hosts: [x.example.com] }]
    `,
    'hosts that differ only in their case are for another rule': tenant(
      mutual(80, 'https-x', 'istio-egress/API.example.com'),
    ),
    'servers of an ingress on the same pods conflict with each other only': `
      kind: Gateway
      metadata: { namespace: team-a, name: shop }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 8090, name: https-a, protocol: HTTPS }, hosts: [shop.example.org], tls: { mode: SIMPLE, credentialName: a } }
        - { port: { number: 8090, name: https-b, protocol: HTTPS }, hosts: [shop.example.org], tls: { mode: SIMPLE, credentialName: b } }
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
  },
  invalid: {
    'two listeners of the Gateway API have one host': {
      on: 'gateway-api',
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: { namespace: istio-egress, name: api-egress }
        spec:
          gatewayClassName: istio
          listeners:
          - name: https
            port: 80
            protocol: HTTPS
            hostname: api.example.com
            tls: { options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } }
          - name: more
            port: 80
            protocol: HTTPS
            hostname: api.example.com # ✗ Istio leaves out server 'more': server 'https', which comes first, has 'api.example.com' on pod port 80
            tls: { options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } }
      `,
    },
    'a younger server has a host of the platform': tenant(
      mutual(
        80,
        'https-x',
        'x.example.com, istio-egress/api.example.com',
        " # ✗ Istio leaves out server 'https-x': server 'https-api' of Gateway 'istio-egress/egress', which comes first, has 'istio-egress/api.example.com' on pod port 8080",
      ),
    ),
    'an older server has a host of the platform': tenant(
      mutual(
        80,
        'https-x',
        'istio-egress/api.example.com',
        " # ✗ server 'https-x' has 'istio-egress/api.example.com' on pod port 8080, so Istio leaves out server 'https-api' of Gateway 'istio-egress/egress'",
      ),
      'older',
    ),
    'another number leads to the same pod port': tenant(
      mutual(
        8080,
        'https-x',
        'istio-egress/api.example.com',
        " # ✗ Istio leaves out server 'https-x': server 'https-api' of Gateway 'istio-egress/egress', which comes first, has 'istio-egress/api.example.com' on pod port 8080",
      ),
    ),
    'a younger plaintext server comes beside TLS': tenant(
      plain(
        80,
        " # ✗ server 'http' is plaintext on pod port 8080, where server 'https-api' of Gateway 'istio-egress/egress' is TLS",
      ),
    ),
    'a plaintext server comes beside TLS for every name': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: ['*']
          tls: { mode: ISTIO_MUTUAL }
        - port: # ✗ server 'http' is plaintext on pod port 8080, where server 'https-api' is TLS
            number: 8080
            name: http
            protocol: HTTP
          hosts: [api.example.com]
    `,
    'an older plaintext server takes the port from TLS': tenant(
      plain(
        80,
        " # ✗ server 'http' holds pod port 8080 in plaintext, so Istio leaves out server 'https-api' of Gateway 'istio-egress/egress'",
      ),
      'older',
    ),
    'a port carries one byte stream': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: databases }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 3306, name: tcp-a, protocol: TCP }
          hosts: [a.example.com]
        - port: { number: 3306, name: tcp-b, protocol: TCP } # ✗ Istio leaves out server 'tcp-b': server 'tcp-a', which comes first, holds pod port 3306 in plaintext
          hosts: [b.example.com]
    `,
    'two servers of one Gateway have one port name': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: others }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: [a.example.com]
          tls: { mode: ISTIO_MUTUAL }
        - port:
            number: 443
            name: https # ✗ Istio leaves out server 'https': server 'https', which comes first, has the port name 'https' on pod port 8443
            protocol: HTTPS
          hosts: [b.example.com]
          tls: { mode: ISTIO_MUTUAL }
    `,
  },
});
