import { isGuarded, servedByWaypoint } from '../egress/waypoint-services.ts';
import { fieldOf } from '../istio/resources.ts';
import { factsOf } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { defineRule } from './define.ts';

/** Somebody says who may reach an external service through its waypoint. */
export const waypointServiceHasPolicy = defineRule({
  name: 'waypoint-service-has-policy',
  summary: 'A policy decides who reaches an external service through its waypoint.',
  why: 'Ambient pays no heed to `exportTo`: a ServiceEntry of one team serves the clients of every other. What a waypoint serves everybody reaches, unless an AuthorizationPolicy targets the service, the waypoint, or all waypoints; policies with a selector, or without any target, are not asked there.',
  severity: 'warning',
  subject: 'resource',
  kinds: ['ServiceEntry', 'Service'],
  related: [],
  examples: {
    bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
# no policy targets it
metadata:
  namespace: egress
  name: search
  labels: { istio.io/use-waypoint: egress-wp }
spec:
  hosts: [search.example.org]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
`,
    good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: egress
  name: search
  labels: { istio.io/use-waypoint: egress-wp }
spec:
  hosts: [search.example.org]
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
    const service = servedByWaypoint(reader, resource);
    if (service === undefined || isGuarded(reader, service)) return;
    const { inventory } = factsOf(reader);
    const [host] = service.hosts.filter((name) => !isDirectHost(inventory, name.toLowerCase()));
    if (host === undefined) return;
    const { kind, metadata } = service.resource;
    const group = kind === 'Service' ? '""' : 'networking.istio.io';
    yield {
      at: kind === 'Service' ? service.use.namedAt : fieldOf(service.resource, 'spec.hosts'),
      key: service.name,
      message: `no policy decides who reaches '${host}' through waypoint '${service.name}': every ambient client does`,
      fix: `add an AuthorizationPolicy with \`targetRefs: [{group: ${group}, kind: ${kind}, name: ${metadata.name}}]\``,
      related: kind === 'Service' ? [] : [service.use.namedAt],
      incomplete: true,
    };
  },
});
