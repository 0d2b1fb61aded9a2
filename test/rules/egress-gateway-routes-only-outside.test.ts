import { egressGatewayRoutesOnlyOutside } from '../../src/rules/egress-gateway-routes-only-outside.ts';
import { testRule } from './test-rule.ts';

const into = (service: string): string =>
  `# ✗ it leads what arrives at the egress gateway to '${service}', a service of the mesh that takes it for the gateway's own`;

const ledger = 'ledger.team-a.svc.cluster.local';

/** A Gateway of another team on the platform's pods. */
const gateway = (server: string, selector = '{ istio: egressgateway }'): string => `
      kind: Gateway
      metadata: { namespace: team-b, name: ledger }
      spec: { selector: ${selector}, servers: [${server}] }
      ---`;

const mutual =
  '{ port: { number: 80, name: https, protocol: HTTPS }, hosts: [ledger.example.org], tls: { mode: ISTIO_MUTUAL } }';

/** A VirtualService of that team for its Gateway. */
const bound = (rules: string, more = ''): string => `
      kind: VirtualService
      metadata: { namespace: team-b, name: ledger }
      spec:
        hosts: [ledger.example.org]
        gateways: [ledger]${more}
${rules}
`;

const inward = (mark: string): string => `
        http:
        - route:
          - destination: { host: ${ledger}, port: { number: 80 } } ${mark}`;

/** A rule of the host of the bundle, beside the platform's own. */
const beside = (rules: string): string => `
      kind: VirtualService
      metadata: { namespace: team-b, name: beside }
      spec:
        hosts: [api.example.com]
        gateways: [istio-egress/egress]
        http:
${rules}
`;

/** The server of the bundle without a namespace before its host. */
const openToAll = `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 80, name: https-api, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }]
      ---`;

/** The host of the bundle by a proxy in the cluster. */
const proxied = (target: string, mark = ''): string => `
      apiVersion: v1
      kind: Service
      metadata: { namespace: proxies, name: squid }
      spec: { selector: { app: squid }, ports: [{ name: tcp, port: 3128 }] }
      ---
      kind: DestinationRule
      metadata: { namespace: proxies, name: squid }
      spec:
        host: squid.proxies.svc.cluster.local
        trafficPolicy: { tunnel: { protocol: CONNECT, targetHost: ${target}, targetPort: 443 } }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        tls:
        - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
        tcp:
        - match: [{ gateways: [egress], port: 443 }]
          route:
          - destination: { host: squid.proxies.svc.cluster.local } ${mark}
`;

testRule(egressGatewayRoutesOnlyOutside, {
  valid: {
    'the gateway leads to the outside': '# the bundle as it is',
    'another gateway of the mesh': `${gateway(mutual, '{ istio: ingressgateway }')}${bound(inward(''))}`,
    'a Gateway that does not exist': bound(inward('')),
    'pods that do not see the VirtualService': `${gateway(mutual)}${bound(inward(''), "\n        exportTo: ['.']")}`,
    'a server that takes VirtualServices of its own namespace only': beside(`
        - route: [{ destination: { host: ${ledger}, port: { number: 80 } } }]`),
    'a section that the server does not consult': `${gateway(mutual)}${bound(`
        tcp: [{ route: [{ destination: { host: ${ledger}, port: { number: 80 } } }] }]`)}`,
    'ingress on pods that are an egress gateway too': `${gateway(
      '{ port: { number: 8000, name: http, protocol: HTTP }, hosts: [ledger.example.org] }',
    )}${bound(inward(''))}`,
    'services that stand for hosts outside of the mesh': {
      settings: 'externalNamespaces: [team-a]',
      yaml: `${gateway(mutual)}${bound(inward(''))}`,
    },
    'an external host that its ServiceEntry places in the mesh: external-host-is-mesh-external speaks': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_INTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `,
    'back to the gateway: gateway-leg-does-not-loop speaks': `${openToAll}${beside(`
        - route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }]`)}`,
    'a forward proxy in the cluster, through which bytes leave': {
      on: 'end-to-end-tls',
      yaml: proxied('api.example.com'),
    },
    'a route of the mesh leg': `
      kind: VirtualService
      metadata: { namespace: team-b, name: ledger }
      spec: { hosts: [ledger.example.org], http: [{ route: [{ destination: { host: ${ledger}, port: { number: 80 } } }] }] }
    `,
  },
  invalid: {
    'a Gateway of another team, to which no client is led': `${gateway(mutual)}${bound(inward(into(ledger)))}`,
    'a short name': `${gateway(mutual)}${bound(`
        http:
        - route:
          - destination: { host: ledger, port: { number: 80 } } ${into('ledger.team-b.svc.cluster.local')}`)}`,
    'byte streams': `${gateway(
      '{ port: { number: 80, name: tls, protocol: TLS }, hosts: [ledger.example.org], tls: { mode: ISTIO_MUTUAL } }',
    )}${bound(`
        tcp:
        - route:
          - destination: { host: ${ledger}, port: { number: 80 } } ${into(ledger)}`)}`,
    'some requests of a host of the platform': `${openToAll}${beside(`
        - match: [{ uri: { prefix: /ledger } }]
          route:
          - destination: { host: ${ledger}, port: { number: 80 } } ${into(ledger)}`)}`,
    'copies of requests': `${openToAll}${beside(`
        - match: [{ uri: { prefix: /ledger } }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
          mirrors:
          - destination: { host: ${ledger}, port: { number: 80 } } ${into(ledger)}`)}`,
    'a forward proxy in the cluster that passes bytes on to another service of it': {
      on: 'end-to-end-tls',
      yaml: proxied(ledger, into('squid.proxies.svc.cluster.local')),
    },
    'a delegate': `${gateway(mutual)}${bound(`
        http: [{ delegate: { namespace: team-a, name: ledger } }]
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: ledger }
      spec:
        http:
        - route:
          - destination: { host: ${ledger}, port: { number: 80 } } ${into(ledger)}`)}`,
    'all requests of the host, over plain HTTP': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [api.example.com] }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec: { host: istio-egressgateway.istio-egress.svc.cluster.local, subsets: [{ name: api }] }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route:
          - destination: { host: ${ledger}, port: { number: 80 } } ${into(ledger)}
    `,
    'a workload that a ServiceEntry adds to the mesh': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: virtual-machine }
      spec:
        hosts: [ledger.vm.example]
        location: MESH_INTERNAL
        resolution: STATIC
        endpoints: [{ address: 10.0.0.7 }]
        ports: [{ number: 80, name: http, protocol: HTTP }]
      ---${gateway(mutual)}${bound(`
        http:
        - route:
          - destination: { host: ledger.vm.example, port: { number: 80 } } ${into('ledger.vm.example')}`)}`,
    'a route of the Gateway API': {
      on: 'gateway-api',
      yaml: `
      kind: HTTPRoute
      metadata: { namespace: istio-egress, name: ledger }
      spec:
        parentRefs: [{ name: api-egress }]
        hostnames: [api.example.com]
        rules:
        - matches: [{ path: { type: PathPrefix, value: /ledger } }]
          backendRefs:
          - { name: ledger, port: 80 } ${into('ledger.istio-egress.svc.cluster.local')}
      ---
      apiVersion: v1
      kind: Service
      metadata: { namespace: istio-egress, name: ledger }
      spec: { selector: { app: ledger }, ports: [{ port: 80 }] }
    `,
    },
  },
});
