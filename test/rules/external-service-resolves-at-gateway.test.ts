import { externalServiceResolvesAtGateway } from '../../src/rules/external-service-resolves-at-gateway.ts';
import { testRule } from './test-rule.ts';

/** The ServiceEntry of the bundle, otherwise. */
const entry = (resolution: string, more = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        ${resolution}
        ${more}
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`;

/** A copy of the ServiceEntry in another namespace. */
const copy = (namespace: string, exportTo: string): string => `
      kind: ServiceEntry
      metadata: { namespace: ${namespace}, name: api }
      spec:
        hosts: [api.example.com]
        exportTo: ${exportTo}
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`;

/** The VirtualService of the bundle with another destination of the gateway leg. */
const routeTo = (destination: string): string => `
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
          - destination: ${destination}
`;

const withoutAddress = "'api.example.com' has resolution NONE: a gateway has no address to connect to";
const withoutEndpoint = "'api.example.com' has no endpoint (incomplete)";
const notRegistered = "nothing registers the host 'api.example.com' (incomplete)";
const notExported = "'api.example.com' is not exported to the gateway's namespace 'istio-egress'";

testRule(externalServiceResolvesAtGateway, {
  valid: {
    'the host is resolved by DNS': '# the bundle as it is',
    'the same where the application speaks TLS': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'the host is resolved by DNS, one address at a time': entry('resolution: DNS_ROUND_ROBIN'),
    'the endpoints are written': entry('resolution: STATIC', 'endpoints: [{ address: 192.0.2.7 }]'),
    'the endpoint is a WorkloadEntry': `
      ${entry('resolution: STATIC', 'workloadSelector: { labels: { app: api } }').trim()}
      ---
      kind: WorkloadEntry
      metadata: { namespace: istio-egress, name: api }
      spec: { address: 192.0.2.7, labels: { app: api } }
    `,
    'the endpoint is a pod': `
      ${entry('resolution: STATIC', 'workloadSelector: { labels: { app: api } }').trim()}
      ---
      kind: Pod
      metadata: { namespace: istio-egress, name: api, labels: { app: api } }
      spec: { containers: [{ name: api }] }
    `,
    'the service is exported to the clients and the gateway': entry(
      'resolution: DNS',
      'exportTo: [team-a, team-b, istio-egress]',
    ),
    'every namespace has a private copy, the one of the gateway too': `
      ${copy('istio-egress', '[.]').trim()}
      ---
      ${copy('team-a', '[.]').trim()}
      ---
      ${copy('team-b', '[.]').trim()}
    `,
    'sidecars may have a service that a gateway could not resolve': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: ['*.example.org']
        resolution: NONE
        ports: [{ number: 443, name: tls, protocol: TLS }]
    `,
    'a server that nothing routes is another matter': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
    `,
    'a path that breaks before is another matter': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: entry('resolution: NONE'),
    },
    'a host without any path through the gateway is another matter': {
      remove: ['VirtualService istio-egress/api'],
      yaml: entry('resolution: NONE'),
    },
  },
  invalid: {
    'the gateway leg names a subset that nothing defines': routeTo(
      "{ host: api.example.com, subset: v2, port: { number: 80 } }  # ✗ no DestinationRule that the gateway applies to 'api.example.com' has a subset 'v2' (incomplete)",
    ),
    'Istio does not know the kind of the backend': {
      on: 'gateway-api',
      yaml: `
        kind: HTTPRoute
        metadata: { namespace: istio-egress, name: from-egress }
        spec:
          parentRefs: [{ name: api-egress }]
          hostnames: [api.example.com]
          rules:
          - backendRefs:
            - { group: example.org, kind: Host, name: api, port: 80 }  # ✗ a backend of kind 'Host' is nothing that Istio routes to (incomplete)
      `,
    },
    'the resolution is left out': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:  # ✗ ${withoutAddress}
        hosts: [api.example.com]
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `,
    'the resolution is NONE': entry(`resolution: NONE  # ✗ ${withoutAddress}`),
    'the same where the application speaks TLS, of an older API version': {
      on: 'end-to-end-tls',
      yaml: `
        apiVersion: networking.istio.io/v1beta1
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          resolution: NONE  # ✗ ${withoutAddress}
          ports: [{ number: 443, name: tls, protocol: TLS }]
      `,
    },
    'a wildcard host has no address': `
      ${routeTo("{ host: '*.example.com', port: { number: 80 } }").trim()}
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: ['*.example.com']
        resolution: DYNAMIC_DNS  # ✗ '*.example.com' has resolution DYNAMIC_DNS, which gateways cannot use
        ports: [{ number: 80, name: http, protocol: HTTP }]
    `,
    'no WorkloadEntry has the labels yet': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:  # ✗ ${withoutEndpoint}
        hosts: [api.example.com]
        resolution: STATIC
        workloadSelector: { labels: { app: api } }
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `,
    'no endpoint has the labels of the subset': `
      ${routeTo('{ host: api.example.com, subset: v2, port: { number: 80 } }').trim()}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy: { tls: { mode: SIMPLE } }
        subsets: [{ name: v2, labels: { version: v2 } }]
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        resolution: STATIC
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
        endpoints:  # ✗ 'api.example.com' has no endpoint in subset 'v2' (incomplete)
        - { address: 192.0.2.7, labels: { version: v1 } }
    `,
    'the service is exported to the clients alone': entry(
      'resolution: DNS',
      `exportTo: [team-a, team-b]  # ✗ ${notExported}`,
    ),
    'the clients have private copies, the gateway has none yet': {
      remove: ['ServiceEntry istio-egress/api'],
      yaml: `
      ${copy('team-a', `[.]  # ✗ ${notExported} (incomplete)`).trim()}
      ---
      ${copy('team-b', '[.]').trim()}
      `,
    },
    'nothing registers the host': {
      remove: ['ServiceEntry istio-egress/api'],
      yaml: routeTo(`{ host: api.example.com, port: { number: 80 } }  # ✗ ${notRegistered}`),
    },
    'a wildcard registers no name under it': {
      remove: ['ServiceEntry istio-egress/api'],
      yaml: `
      ${routeTo(`{ host: api.example.com, port: { number: 80 } }  # ✗ ${notRegistered}`).trim()}
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: wild }
      spec:
        hosts: ['*.example.com']
        resolution: DNS
        endpoints: [{ address: 192.0.2.7 }]
        ports: [{ number: 80, name: http, protocol: HTTP }]
      `,
    },
    'the gateway routes to a port that the service does not have': routeTo(
      "{ host: api.example.com, port: { number: 443 } }  # ✗ the gateway sees 'api.example.com' without port 443 (incomplete)",
    ),
    'the gateway routes to another host, which is not exported to it': `
      ${routeTo(`{ host: www.example.com, port: { number: 80 } }  # ✗ 'www.example.com' is not exported to the gateway's namespace 'istio-egress' (incomplete)`).trim()}
      ---
      ${copy('team-a', '[.]').trim().replace('hosts: [api', 'hosts: [www').replace('name: api', 'name: www')}
    `,
  },
});
