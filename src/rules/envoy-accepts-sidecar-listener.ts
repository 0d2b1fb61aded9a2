import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { defineRule } from './define.ts';

/** No SNI is claimed twice on a port of the sidecars, however it is written. */
export const envoyAcceptsSidecarListener = defineRule({
  name: 'envoy-accepts-sidecar-listener',
  summary: 'Envoy accepts what Istio makes of all TLS routes and services on a port of the sidecars.',
  why: 'Every list of `sniHosts`, and every TLS host without a route, is a filter chain on the sidecars that see it. Istio leaves out only a list that is the same as another. One name in two lists, twice in one, or in letters of another case, and Envoy refuses the listener: for all TLS hosts of the port running sidecars keep an old state, and new ones let the traffic out directly, or not at all.',
  severity: 'error',
  subject: 'path',
  stage: 'capture',
  related: ['IST0109'],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: team-b, name: web }
spec:
  hosts: [api.example.com, www.example.com]
  tls:
  # the platform has a list of api.example.com
  - match: [{ port: 443, sniHosts: [api.example.com, www.example.com] }]
    route: [{ destination: { host: www.example.com, port: { number: 443 } } }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: team-b, name: www }
spec:
  hosts: [www.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
---
kind: VirtualService
metadata: { namespace: team-b, name: web }
spec:
  hosts: [www.example.com]
  tls:
  - match: [{ port: 443, sniHosts: [www.example.com] }]
    route: [{ destination: { host: www.example.com, port: { number: 443 } } }]
`,
  },

  *check({ refusedName, decidedBy, to }, { reader }) {
    const [claim, ...others] = decidedBy;
    if (refusedName === undefined || claim === undefined) return;
    if (capturingVirtualServices(reader, to.host).length === 0) return; // no egress that it concerns
    const other = others.find(({ kind }) => kind !== 'Sidecar');
    yield {
      at: claim,
      key: `${to.port} ${refusedName}`,
      message: `Envoy refuses the TLS listener of port ${to.port} on sidecars: ${
        other === undefined
          ? `'${refusedName}' is listed twice`
          : `${other.kind} '${other.namespace}/${other.name}' claims '${refusedName}' too`
      }`,
      fix: other === undefined ? 'list each name once, in lower case' : 'leave the name to one of them',
      related: other === undefined ? [] : [other],
    };
  },
});
