import { hasSharedSni } from '../egress/shared-sni.ts';
import { defineRule } from './define.ts';

/** One subset and port of the gateway's Service sends one SNI, hence serves one host. */
export const hopSniServesOneHost = defineRule({
  name: 'hop-sni-serves-one-host',
  summary: 'The SNI of one subset and port is not used by routes of several hosts.',
  why: 'The SNI is a setting of the subset. Two hosts that are routed to the same one arrive under the SNI of the first: the gateway takes both for it, picks its server, and asks its policies.',
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
  ports: [{ number: 80, name: http, protocol: HTTP }]
---
kind: VirtualService
metadata: { namespace: istio-egress, name: www }
spec:
  hosts: [www.example.com]
  http:
  - route:
    - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - { name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }
  - { name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }
`,
  },

  *check(path, { reader }) {
    const { hop, to } = path;
    if (hop === undefined || !hasSharedSni(reader, hop, to.host)) return;
    yield {
      at: { ...hop.routeAt, field: `${hop.routeAt.field}${hop.subset === '' ? '' : '.subset'}` },
      key: to.host,
      message: `the hop for '${to.host}' is that of '${hop.sni}', whose SNI it sends`,
      fix: `add a subset with \`tls: {mode: ISTIO_MUTUAL, sni: ${to.host}}\`, and route '${to.host}' to it`,
      related: hop.tlsAt === undefined ? [] : [hop.tlsAt],
    };
  },
});
