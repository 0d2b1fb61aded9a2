import { defineHopRule } from './define.ts';

/** A stream that is already the application's TLS is not originated again. */
export const noDoubleTls = defineHopRule({
  name: 'no-double-tls',
  summary: "The gateway does not originate TLS around the application's own TLS.",
  why: 'A DestinationRule that originates TLS for the host, often left over from a design in which applications spoke HTTP, wraps the TLS of the application a second time: the external host does not understand it.',
  severity: 'error',
  subject: 'path',
  stage: 'upstream',
  related: [],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  tls:
  - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  tcp:
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
---
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
---
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: tls-api, protocol: TLS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  # the application already speaks TLS
  trafficPolicy: { tls: { mode: SIMPLE } }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    # the application speaks HTTP
    portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }]
`,
  },

  *check({ cause, origination, to }) {
    if (cause !== 'tls-in-tls' || origination?.at === undefined) return;
    yield {
      at: origination.at,
      key: `${to.host}:${origination.port}`,
      message: `the gateway originates TLS to '${to.host}:${origination.port}' around the TLS that it forwards`,
      fix: 'drop the TLS settings, or limit them to a port of the ServiceEntry to which HTTP alone is routed',
      related: [origination.entry],
    };
  },
});
