import { type WaypointService, waypointServiceOf } from '../egress/waypoint-services.ts';
import { fieldOf, idOf, refOf } from '../istio/resources.ts';
import { autoAllocate, hasVirtualAddress, waypointFor } from '../istio/waypoint.ts';
import { isTaken } from '../mesh/waypoints.ts';
import { defineRule, type Problem } from './define.ts';

/** The waypoint that is to take the traffic to an external service does. */
export const waypointExists = defineRule({
  name: 'waypoint-exists',
  summary: 'The waypoint that an external service names exists, and takes its traffic.',
  why: 'Ambient clients are led to a waypoint by a label of the service or of its namespace. Where the Gateway of that name is missing, is no waypoint, or does not admit the service, and where ztunnel knows no address of the host, nothing fails: the traffic leaves directly, and no policy is asked.',
  severity: 'error',
  subject: 'resource',
  kinds: ['ServiceEntry', 'Service'],
  related: [],
  examples: {
    bad: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { namespace: egress, name: egress-waypoint }
spec:
  gatewayClassName: istio-waypoint
  listeners: [{ name: mesh, port: 15008, protocol: HBONE }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: egress
  name: search
  # the Gateway is called egress-waypoint
  labels: { istio.io/use-waypoint: waypoint }
spec:
  hosts: [search.example.org]
  exportTo: ["."]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { namespace: egress, name: search-for-team-a }
spec:
  targetRefs:
  - { group: networking.istio.io, kind: ServiceEntry, name: search }
  rules: [{ from: [{ source: { namespaces: [team-a] } }] }]
`,
    good: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { namespace: egress, name: egress-waypoint }
spec:
  gatewayClassName: istio-waypoint
  listeners: [{ name: mesh, port: 15008, protocol: HBONE }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: egress
  name: search
  labels: { istio.io/use-waypoint: egress-waypoint }
spec:
  hosts: [search.example.org]
  exportTo: ["."]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { namespace: egress, name: search-for-team-a }
spec:
  targetRefs:
  - { group: networking.istio.io, kind: ServiceEntry, name: search }
  rules: [{ from: [{ source: { namespaces: [team-a] } }] }]
`,
  },

  *check(resource, reader) {
    const service = waypointServiceOf(reader, resource);
    if (service === undefined) return;
    if (service.use.lack !== undefined) yield aboutWaypoint(service);
    if (isTaken(service.use)) yield* aboutAddresses(service);
  },
});

const consequence = 'ambient clients get around it';

function aboutWaypoint({ resource, name, use: { namedAt, gateway, lack } }: WaypointService): Problem {
  const problem = { at: namedAt, key: name };
  if (gateway === undefined) {
    return {
      ...problem,
      message: `there is no waypoint '${name}': ${consequence}`,
      fix: `add Gateway '${name}' of class 'istio-waypoint', or name one that exists`,
      incomplete: true,
    };
  }
  if (lack === 'class') {
    return {
      ...problem,
      message: `Gateway '${name}' is of class '${gateway.spec.gatewayClassName}', which makes no waypoint: ${consequence}`,
      fix: 'name a Gateway of class `istio-waypoint`',
      related: [fieldOf(gateway, 'spec.gatewayClassName')],
    };
  }
  if (lack === 'traffic') {
    return {
      ...problem,
      message: `waypoint '${name}' is not for services ('${waypointFor}: ${gateway.metadata.labels[waypointFor]}'): ${consequence}`,
      fix: `set \`${waypointFor}: service\` on the Gateway, or name another waypoint`,
      related: [fieldOf(gateway, `metadata.labels['${waypointFor}']`)],
    };
  }
  return {
    ...problem,
    message: `waypoint '${name}' does not admit services of namespace '${resource.metadata.namespace}': ${consequence}`,
    fix: 'add the namespace to `allowedRoutes` of its HBONE listener, or name a waypoint of the namespace',
    related: [fieldOf(gateway, 'spec.listeners')],
  };
}

/** A namespace may name a waypoint for what else is in it: only the service's own label says that its hosts are meant. */
function* aboutAddresses({ resource, hosts, name, use }: WaypointService): Iterable<Problem> {
  if (resource.kind !== 'ServiceEntry' || idOf(use.namedAt) !== idOf(refOf(resource))) return;
  for (const [index, host] of hosts.entries()) {
    if (hasVirtualAddress(resource, host)) continue;
    yield {
      at: fieldOf(resource, `spec.hosts[${index}]`),
      key: host,
      message: `'${host}' has no address by which ztunnel knows it: ambient clients get around waypoint '${name}'`,
      fix: fixForAddress(resource.spec.resolution ?? 'NONE', host, resource.metadata.labels),
      related: [use.namedAt],
    };
  }
}

function fixForAddress(resolution: string, host: string, labels: Readonly<Record<string, string>>): string {
  if (autoAllocate in labels) return `drop the label '${autoAllocate}', or list \`addresses\``;
  if (host.startsWith('*'))
    return 'list `addresses`, or name single hosts; a wildcard gets one with `resolution: DYNAMIC_DNS` only';
  return `${resolution === 'NONE' ? 'set `resolution: DNS`, or ' : ''}list \`addresses\``;
}
