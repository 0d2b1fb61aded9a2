import { envoyAcceptsListener } from '../../src/rules/envoy-accepts-listener.ts';
import { testRule } from './test-rule.ts';

/** A Gateway of another namespace on the platform's pods: younger than the platform's, or of the year before. */
const tenant = (hosts: string, mark: string, age: 'younger' | 'older' = 'younger'): string => `
  kind: Gateway
  metadata:
    namespace: team-b
    name: tenant
    ${age === 'older' ? "creationTimestamp: '2025-01-01T00:00:00Z'" : 'labels: {}'}
  spec:
    selector: { istio: egressgateway }
    servers:
    - port: { number: 80, name: https-x, protocol: HTTPS }
      tls: { mode: ISTIO_MUTUAL }
      hosts: [${hosts}]${mark}
`;

const claimed =
  " # ✗ Envoy refuses the listener of pod port 8080: server 'https-api' of Gateway 'istio-egress/egress' claims 'api.example.com' too";

testRule(envoyAcceptsListener, {
  valid: {
    'every name is claimed once': '# the bundle as it is',
    'a wildcard is another name than those that it covers': tenant("'*.example.com'", ''),
    'the very same host is what Istio leaves out': tenant('istio-egress/api.example.com', ''),
    'a plaintext server beside TLS for every name is for another rule': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https-api, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
        - { port: { number: 8080, name: http, protocol: HTTP }, hosts: [api.example.com] }
    `,
  },
  invalid: {
    'hosts differ only in their namespaces': tenant('api.example.com', claimed),
    'hosts differ only in their case': tenant('istio-egress/API.example.com', claimed),
    'the older one is a tenant': tenant('team-b/api.example.com', claimed, 'older'),
    'a server lists a name with and without namespace': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: [./api.example.com, API.example.com] # ✗ Envoy refuses the listener of pod port 8080: 'api.example.com' is listed twice
          tls: { mode: ISTIO_MUTUAL }
    `,
    'two servers take every name': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: others }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 443, name: https-a, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
        - port: { number: 443, name: https-b, protocol: HTTPS }
          hosts: ['team-a/*'] # ✗ Envoy refuses the listener of pod port 8443: server 'https-a' of Gateway 'istio-egress/others' claims every connection too
          tls: { mode: ISTIO_MUTUAL }
    `,
    'routes of a PASSTHROUGH server claim a name in two spellings': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers: [{ port: { number: 443, name: tls-api, protocol: TLS }, hosts: ['*.example.com'], tls: { mode: PASSTHROUGH } }]
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: more }
        spec:
          hosts: [API.example.com, api.example.com]
          gateways: [egress]
          tls:
          - match: [{ sniHosts: [api.example.com] }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
          - match: [{ sniHosts: [API.example.com] }] # ✗ Envoy refuses the listener of pod port 8443: server 'tls-api' of Gateway 'istio-egress/egress' claims 'api.example.com' too
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
  },
});
