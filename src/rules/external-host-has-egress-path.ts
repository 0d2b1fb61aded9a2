import { capturingVirtualServices, hasGatewayEndpoints } from '../egress/capturing-virtual-services.ts';
import { isMediated } from '../egress/class-paths.ts';
import { isMeantForWaypoint } from '../egress/waypoint-services.ts';
import { fieldOf, idOf } from '../istio/resources.ts';
import { factsOf, resourcesById } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { defineRule } from './define.ts';

/** An external host has an egress design at all. */
export const externalHostHasEgressPath = defineRule({
  name: 'external-host-has-egress-path',
  summary: 'An external host that clients see has a path through the egress gateway.',
  why: 'A ServiceEntry alone opens the host to every client that sees it: traffic leaves directly from the sidecars, past the gateway and its policies, also where unknown traffic is blocked.',
  severity: 'warning',
  subject: 'path',
  stage: 'capture',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: team-a, name: search }
spec:
  hosts: [search.example.org]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  # the VirtualService of the same name leads it to the gateway
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check({ outcome, origination, to }, { reader, host }) {
    if (outcome !== 'direct' || origination === undefined) return;
    if (isDirectHost(factsOf(reader).inventory, to.host)) return;
    if (host.some(isMediated) || capturingVirtualServices(reader, to.host).length > 0) return; // external-port-is-captured speaks
    const entry = reader.first(resourcesById, idOf(origination.entry));
    if (entry?.kind !== 'ServiceEntry' || hasGatewayEndpoints(reader, entry)) return;
    if (isMeantForWaypoint(reader, entry)) return; // the rules about waypoints speak
    yield {
      at: fieldOf(entry, 'spec.hosts'),
      key: to.host,
      message: `'${to.host}' leaves directly from the sidecars: no route leads it to an egress gateway`,
      fix: 'add a route that leads it to the egress gateway, or list it in `directHosts` of the settings',
      incomplete: true,
    };
  },
});
