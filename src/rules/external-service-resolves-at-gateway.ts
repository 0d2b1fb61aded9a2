import { isInwardRoute } from '../egress/inward-routes.ts';
import type { Path } from '../egress/path.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import type { MeshService } from '../istio/service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineHopRule, type Problem } from './define.ts';

/** The gateway sees the external host and can connect to it. */
export const externalServiceResolvesAtGateway = defineHopRule({
  name: 'external-service-resolves-at-gateway',
  summary: "The ServiceEntry of a routed host is visible in the gateway's namespace, and a gateway can resolve it.",
  why: 'The gateway needs a cluster for the host: without a ServiceEntry that is exported to its namespace, or with a port or subset that is not there, it has none (503 NC). Resolution NONE works on sidecars only, as they know the address that the application dialled; a gateway finds no endpoint (503 UH). DYNAMIC_DNS works on sidecars and waypoints only.',
  severity: 'error',
  subject: 'path',
  stage: 'upstream',
  related: ['IST0101', 'KIA1101'],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL   # without resolution: NONE
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check(path, { reader }) {
    const { cause, reason, origination, decidedBy, to } = path;
    const route = decidedBy.at(-1);
    if (route === undefined || cause === undefined) return;
    if (isInwardRoute(reader, to.host, route)) return; // egress-gateway-routes-only-outside speaks
    const namespace = path.arrival?.workload.namespace;
    const problem = { key: to.host, message: reason };
    if (cause === 'unresolvable' && origination !== undefined) {
      const at = { ...origination.entry, field: 'spec.resolution' };
      const isWildcard = origination.host.startsWith('*');
      const fix = `set \`resolution: DNS\`${isWildcard ? ' and `endpoints`, as the host is a wildcard' : ''}`;
      yield { ...problem, at, fix, related: [route] };
    }
    if (cause === 'no-endpoint' && origination !== undefined) {
      const at = { ...origination.entry, field: 'spec.endpoints' };
      const fix = 'add an endpoint that the route can take, or a WorkloadEntry that the ServiceEntry selects';
      yield { ...problem, at, fix, related: [route], incomplete: true };
    }
    if (cause === 'host-not-registered') {
      const fix = `add a ServiceEntry for the host that is exported to the gateway's namespace${namespace === undefined ? '' : ` '${namespace}'`}`;
      yield { ...problem, at: route, fix, incomplete: true };
    }
    if (cause === 'host-port-missing') {
      const at = { ...route, field: `${route.field}.port` };
      yield { ...problem, at, fix: 'route to a port that the ServiceEntry declares', incomplete: true };
    }
    if (cause === 'host-subset-missing') {
      const at = { ...route, field: `${route.field}.subset` };
      const fix = 'drop it, or define it in the DestinationRule that originates TLS for the host';
      yield { ...problem, at, fix, incomplete: true };
    }
    if (cause === 'backend-refused') {
      const backend = `{group: networking.istio.io, kind: Hostname, name: ${to.host}, port: ${to.port}}`;
      yield { ...problem, at: route, fix: `name the host itself as backend: \`${backend}\``, incomplete: true };
    }
    if (cause === 'host-not-exported') yield { ...problem, ...notExported(reader, path, route) };
  },
});

/** Private copies may have a sibling for the gateway yet to come; a list that forgets the gateway has not. */
function notExported(
  reader: MeshReader,
  { to, arrival }: Path,
  route: FieldRef,
): Pick<Problem, 'at' | 'fix' | 'related' | 'incomplete'> {
  const fix = "add the gateway's namespace to `exportTo` of the ServiceEntry";
  const gateway = arrival?.workload.namespace ?? '';
  const entries = servicesOfHost(reader, to.host).filter(({ visibility }) => !isVisibleFrom(visibility, gateway));
  const [entry] = entries;
  if (entry === undefined) return { at: route, fix, incomplete: true };
  return {
    at: fieldOf(entry.resource, 'spec.exportTo'),
    fix: `add '${gateway}' to \`exportTo\``,
    related: [route],
    incomplete: entries.every(isPrivate),
  };
}

function isPrivate({ visibility, namespace }: MeshService): boolean {
  return [...visibility.namespaces].every((name) => name === namespace);
}
