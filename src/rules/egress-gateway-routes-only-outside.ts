import { inwardRoutes } from '../egress/inward-routes.ts';
import { fieldOf, idOf, refOf } from '../istio/resources.ts';
import { virtualServicesFrom } from '../mesh/virtual-services.ts';
import { defineRule } from './define.ts';

/** The egress gateway sends nothing back into the mesh. */
export const egressGatewayRoutesOnlyOutside = defineRule({
  name: 'egress-gateway-routes-only-outside',
  summary: 'No route on an egress gateway leads to a service of the mesh.',
  why: 'A service of the mesh sees the identity of whoever connects. Led through the egress gateway, everybody who may use the gateway comes with its identity, and policies of the service judge the gateway instead of the client. Any VirtualService that is exported to the gateway and names its Gateway can add such a route, whether or not clients are led to it.',
  severity: 'error',
  subject: 'resource',
  kinds: ['VirtualService', 'HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'],
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: team-b, name: ledger }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-ledger, protocol: HTTPS }
    hosts: [ledger.example.org]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: team-b, name: ledger }
spec:
  hosts: [ledger.example.org]
  gateways: [ledger]
  http:
  - route:
    - destination:
        host: ledger.team-a.svc.cluster.local
        port: { number: 80 }
`,
    good: `
kind: Gateway
metadata: { namespace: team-b, name: ledger }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-ledger, protocol: HTTPS }
    hosts: [ledger.example.org]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: team-b, name: ledger }
spec:
  hosts: [ledger.example.org]
  gateways: [ledger]
  http:
  - route:
    - destination: { host: ledger.example.org, port: { number: 80 } }
`,
  },

  *check(resource, reader) {
    const own = idOf(refOf(resource));
    const told = new Set<string>();
    for (const virtualService of virtualServicesFrom(reader, resource)) {
      for (const { at, host, server } of inwardRoutes(reader, virtualService)) {
        // Istio merges routes of the Gateway API: each speaks of its own rules.
        if (resource.kind !== 'VirtualService' && idOf(at) !== own) continue;
        const identity = `${idOf(at)} ${host}`;
        if (told.has(identity)) continue;
        told.add(identity);
        yield {
          at,
          key: host,
          message: `it leads what arrives at the egress gateway to '${host}', a service of the mesh that takes it for the gateway's own`,
          fix: 'lead it out of the mesh, or list the namespace of the service in `externalNamespaces` of the settings',
          related: [fieldOf(server.resource, server.field)],
        };
      }
    }
  },
});
