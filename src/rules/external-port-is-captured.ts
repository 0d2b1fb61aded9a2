import { capturingVirtualServices, hasGatewayEndpoints } from '../egress/capturing-virtual-services.ts';
import { isMediated } from '../egress/class-paths.ts';
import type { Path } from '../egress/path.ts';
import { isMeantForWaypoint } from '../egress/waypoint-services.ts';
import { fieldOf, idOf, type ResourceOf } from '../istio/resources.ts';
import { meshGateway, type VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { factsOf, resourcesById } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { servicesCovering } from '../mesh/services.ts';
import { defineRule, type PathContext } from './define.ts';

/** Every registered port of a host that has an egress path leads through the gateway. */
export const externalPortIsCaptured = defineRule({
  name: 'external-port-is-captured',
  summary: 'Every port of an external service that clients see is routed to the egress gateway.',
  why: 'A port that a ServiceEntry registers and no route captures leaves directly from the sidecar: unmediated, past every policy of the gateway. Most often it is 443 beside a routed port 80.',
  severity: 'warning',
  subject: 'path',
  stage: 'capture',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports:
  - { number: 80, name: http, protocol: HTTP, targetPort: 443 }
  - { number: 443, name: tls, protocol: TLS }   # no route captures it
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports:
  - { number: 80, name: http, protocol: HTTP, targetPort: 443 }
`,
  },

  *check(path, context) {
    if (path.outcome !== 'direct') return;
    if (path.takenFor !== undefined) return; // tcp-route-captures-only-its-service speaks
    if (path.refusedClaim !== undefined) return; // envoy-accepts-sidecar-listener speaks
    if (path.cause === 'routed-elsewhere' || path.cause === 'mirrored-elsewhere') return; // the rules about that route speak
    if (path.cause === 'passthrough-balancing') return; // hop-leads-to-gateway-pods speaks
    const { to } = path;
    const { reader, host } = context;
    if (isDirectHost(factsOf(reader).inventory, to.host)) return;
    const mediated = host.find(isMediated)?.to; // a port that does lead to the gateway, for some client
    const routes = capturingVirtualServices(reader, to.host);
    if (mediated === undefined && routes.length === 0) return; // external-host-has-egress-path speaks
    const entry = entryOf(path, context);
    if (entry === undefined || hasGatewayEndpoints(reader, entry)) return;
    if (isMeantForWaypoint(reader, entry)) return; // the rules about waypoints speak
    const hidden = path.cause === 'not-routed' ? routes.find((route) => isHiddenFrom(route, path)) : undefined;
    const index = (entry.spec.ports ?? []).findIndex((port) => port.number === to.port);
    yield {
      at: fieldOf(entry, index === -1 ? 'spec.ports' : `spec.ports[${index}]`),
      key: `${to.host}:${to.port}`,
      message: `port ${to.port} of '${to.host}' is not routed to the egress gateway${reasonOf(path, hidden)}`,
      fix:
        hidden === undefined
          ? fixFor(
              path,
              mediated ?? to,
              routes.some(({ hasGatewaySemantics }) => hasGatewaySemantics),
            )
          : `add the clients' namespaces to \`exportTo\` of ${nameOf(hidden)}`,
      related: hidden === undefined ? path.decidedBy : [fieldOf(hidden.resource, 'spec.exportTo'), ...path.decidedBy],
      incomplete: true,
    };
  },
});

function reasonOf({ cause, reason }: Path, hidden: VirtualService | undefined): string {
  if (hidden !== undefined) return `: ${nameOf(hidden)}, which leads it there, is not exported to these clients`;
  return cause === 'not-routed' ? '' : `: ${reason}`;
}

/** True for a VirtualService that routes the port on sidecars, and that the client does not see for want of an export. */
function isHiddenFrom({ visibility, http, tls, tcp }: VirtualService, { from, to }: Path): boolean {
  if (isVisibleFrom(visibility, from.namespace)) return false;
  const isFor = (gateways: readonly string[], port = 0): boolean =>
    (gateways.length === 0 || gateways.includes(meshGateway)) && (port === 0 || port === to.port);
  if (to.protocol === 'http') {
    return http.some(
      ({ matches }) => matches.length === 0 || matches.some((match) => isFor(match.gateways, match.conditions.port)),
    );
  }
  return { tls, tcp }[to.protocol].some(
    ({ matches }) => matches.length === 0 || matches.some((match) => isFor(match.gateways, match.port)),
  );
}

function nameOf({ resource: { metadata } }: VirtualService): string {
  return `VirtualService '${metadata.namespace}/${metadata.name}'`;
}

function fixFor({ to }: Path, mediated: Path['to'], isOfGatewayApi: boolean): string {
  const section = to.protocol;
  const kind = isOfGatewayApi ? `${section.toUpperCase()}Route` : `\`${section}\` route`;
  const route = `add ${section === 'http' ? 'an' : 'a'} ${kind} for port ${to.port} that leads to the egress gateway`;
  if (to.port === mediated.port && !isOfGatewayApi)
    return `${route}, in a VirtualService that the clients see (by its \`exportTo\`, and \`egress.hosts\` of their Sidecar)`;
  const isWebPair = to.port === 443 && mediated.protocol === 'http';
  return isWebPair
    ? `drop port 443 and set \`targetPort: 443\` on port ${mediated.port}, or ${route}`
    : `drop the port, or ${route}`;
}

/**
 * The ServiceEntry whose port it is. One that the client does not see counts where the same port leads to the gateway for others: a
 * Sidecar or an `exportTo` has taken the client out.
 */
function entryOf(path: Path, { reader, host }: PathContext): ResourceOf<'ServiceEntry'> | undefined {
  const { to, from } = path;
  const chosen = path.decidedBy.find((at) => at.kind === 'ServiceEntry');
  const resource = chosen === undefined ? undefined : reader.first(resourcesById, idOf(chosen));
  if (resource?.kind === 'ServiceEntry') return resource;
  const leadsOthers = host.some(
    (target) => target.to.protocol === to.protocol && target.to.port === to.port && isMediated(target),
  );
  const entries = servicesCovering(reader, to.host)
    .filter(({ ports }) => ports.some((port) => port.number === to.port))
    .filter(({ visibility }) => leadsOthers || isVisibleFrom(visibility, from.namespace))
    .map((service) => service.resource);
  return entries.find((entry) => entry.kind === 'ServiceEntry');
}
