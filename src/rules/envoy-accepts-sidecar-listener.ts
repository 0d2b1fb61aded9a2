import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { type FieldRef, idOf } from '../istio/resources.ts';
import { claimInWords, type RefusedClaim } from '../mesh/refused-listeners.ts';
import { defineRule } from './define.ts';

/** No SNI and no block of addresses is claimed twice on a port of the sidecars, however it is written. */
export const envoyAcceptsSidecarListener = defineRule({
  name: 'envoy-accepts-sidecar-listener',
  summary: 'Envoy accepts what Istio makes of all routes and services on a port of the sidecars.',
  why: 'Every list of `sniHosts`, and every TLS host without a route, is a filter chain on the sidecars that see it. Istio leaves out only a list that is the same as another. One name in two lists, twice in one, or in letters of another case, and Envoy refuses the listener: for all TLS hosts of the port running sidecars keep an old state, and new ones let the traffic out directly, or not at all. The same goes for `destinationSubnets` of `tcp` routes.',
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

  *check({ refusedClaim, decidedBy, to }, { reader }) {
    const [claim, ...others] = decidedBy;
    if (refusedClaim === undefined || claim === undefined) return;
    if (capturingVirtualServices(reader, to.host).length === 0) return; // no egress that it concerns
    const { kind, text } = refusedClaim;
    const { what, listener } = claimInWords(refusedClaim);
    const other = others.find((one) => one.kind !== 'Sidecar');
    yield {
      at: claim,
      key: `${to.port} ${text}`,
      message: `Envoy refuses the ${listener} of port ${to.port} on sidecars: ${
        other === undefined ? `${what} is listed twice` : `${claimantFor(claim, other)} claims ${what} too`
      }`,
      fix: fixOf(kind, other !== undefined),
      related: other === undefined ? [] : [other],
    };
  },
});

function claimantFor(claim: FieldRef, other: FieldRef): string {
  return idOf(other) === idOf(claim) ? other.field : `${other.kind} '${other.namespace}/${other.name}'`;
}

function fixOf(kind: RefusedClaim['kind'], isOfTwo: boolean): string {
  if (isOfTwo) return `leave the ${kind === 'name' ? 'name' : 'subnet'} to one of them`;
  return kind === 'name' ? 'list each name once, in lower case' : 'list each subnet once';
}
