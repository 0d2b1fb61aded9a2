import { clientExpander, clientScopes } from '../egress/access.ts';
import { hostPaths } from '../egress/host-paths.ts';
import { isGuarded, servedByWaypoint, type WaypointService } from '../egress/waypoint-services.ts';
import { fieldOf, idOf, refOf } from '../istio/resources.ts';
import { dataplaneOf } from '../mesh/clients.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { defineRule } from './define.ts';

/** What a waypoint guards sidecars do not reach past it. */
export const waypointServiceIsNotOpenToSidecars = defineRule({
  name: 'waypoint-service-is-not-open-to-sidecars',
  summary: 'An external service that a waypoint guards is not reached directly by sidecars.',
  why: 'Only ztunnel and gateways send through waypoints, sidecars never do: where the clients of a namespace have sidecars and see the ServiceEntry, they reach the host themselves, and no policy of the waypoint is asked.',
  severity: 'error',
  subject: 'resource',
  kinds: ['ServiceEntry', 'Service'],
  related: [],
  examples: {
    bad: `
apiVersion: v1
kind: Namespace
# it sees the ServiceEntry
metadata: { name: team-c, labels: { istio-injection: enabled } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: egress
  name: api
  labels: { istio.io/use-waypoint: egress-wp }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
    good: `
apiVersion: v1
kind: Namespace
metadata: { name: team-c, labels: { istio-injection: enabled } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: egress
  name: api
  labels: { istio.io/use-waypoint: egress-wp }
spec:
  hosts: [api.example.com]
  exportTo: ["."]   # which ambient clients do not heed
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check(resource, reader) {
    const service = servedByWaypoint(reader, resource);
    if (service === undefined) return;
    for (const [index, written] of service.hosts.entries()) {
      const host = written.toLowerCase();
      const [first, ...others] = isDirectHost(factsOf(reader).inventory, host) ? [] : openTo(reader, host, service);
      if (first === undefined) continue;
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      yield {
        at:
          service.resource.kind === 'Service' ? service.use.namedAt : fieldOf(service.resource, `spec.hosts[${index}]`),
        key: host,
        message: `sidecars of '${first}'${more} reach '${host}' directly, past waypoint '${service.name}'`,
        fix: 'set `exportTo` to namespaces without sidecars (ambient clients do not heed it), or route it to an egress gateway for these',
        related: [service.use.namedAt],
        ...(!isGuarded(reader, service) && { severity: 'warning' }), // there is no policy to get around
      };
    }
  },
});

/** The namespaces with sidecars, and not merely taken to have some, that reach a host directly by this service; sorted. */
function openTo(reader: MeshReader, host: string, { resource }: WaypointService): readonly string[] {
  const expand = clientExpander(clientScopes(reader));
  const direct = reader
    .value(hostPaths, host)
    .flatMap(({ classes }) => classes)
    .filter(({ path }) =>
      [path, ...path.alternatives].some(
        ({ outcome, origination }) =>
          outcome === 'direct' && origination !== undefined && idOf(origination.entry) === idOf(refOf(resource)),
      ),
    );
  const namespaces = new Set(direct.flatMap(({ clients }) => expand(clients).map(({ namespace }) => namespace)));
  return [...namespaces].filter((namespace) => dataplaneOf(reader, namespace).sidecars === 'declared').sort();
}
