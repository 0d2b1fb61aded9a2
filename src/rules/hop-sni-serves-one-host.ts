import { hopTlsFor } from '../egress/path.ts';
import { hasSharedSni } from '../egress/shared-sni.ts';
import { defineHopRule } from './define.ts';

/** One subset and port of the gateway's Service sends one SNI, hence serves one host. */
export const hopSniServesOneHost = defineHopRule({
  name: 'hop-sni-serves-one-host',
  summary: 'The SNI of one subset and port is not used by routes of several hosts.',
  why: 'The SNI is a setting of the subset. Two hosts that are routed to the same one, or with the Gateway API, which knows no subsets, to the same port, arrive under the SNI of the first: the gateway takes both for it, picks its server, and asks its policies.',
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: www }
spec:
  hosts: [www.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-www }
spec: { host: www.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }
---
kind: Gateway
metadata: { namespace: istio-egress, name: www }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-www, protocol: HTTPS }
    hosts: [./www.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: www }
spec:
  hosts: [www.example.com]
  gateways: [mesh, www]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  - match: [{ gateways: [www], port: 80 }]
    route: [{ destination: { host: www.example.com, port: { number: 80 } } }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: www }
spec:
  hosts: [www.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-www }
spec: { host: www.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }
---
kind: Gateway
metadata: { namespace: istio-egress, name: www }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-www, protocol: HTTPS }
    hosts: [./www.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: www }
spec:
  hosts: [www.example.com]
  gateways: [mesh, www]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: www
        port: { number: 80 }
  - match: [{ gateways: [www], port: 80 }]
    route: [{ destination: { host: www.example.com, port: { number: 80 } } }]
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-www }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: www
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: www.example.com }
`,
  },

  *check(path, { reader }) {
    const { hop, to } = path;
    if (!hasSharedSni(reader, hop, to.host)) return;
    const isOfVirtualService = hop.routeAt.kind === 'VirtualService'; // routes of the Gateway API know no subsets
    const where = hop.subset === '' ? `port ${hop.port}` : `subset '${hop.subset}' and port ${hop.port}`;
    yield {
      at: { ...hop.routeAt, field: `${hop.routeAt.field}${hop.subset === '' ? '' : '.subset'}` },
      key: to.host,
      message: `SNI '${hop.sni}' is sent for host '${to.host}', too, as both use ${where} of the gateway`,
      fix: isOfVirtualService
        ? `add a subset with ${hopTlsFor(to.host)}, and route '${to.host}' to it`
        : `add a listener for '${to.host}' on a port of its own, route the host to that port, and set ${hopTlsFor(to.host)} for it in the DestinationRule`,
      related: hop.tlsAt === undefined ? [] : [hop.tlsAt],
    };
  },
});
