import type { TargetPaths } from '../egress/host-paths.ts';
import type { Path } from '../egress/path.ts';
import { covers } from '../istio/hosts.ts';
import { type FieldRef, fieldOf, idOf } from '../istio/resources.ts';
import { factsOf, resourcesById } from '../mesh/indexes.ts';
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
    if (path.outcome !== 'direct' || path.upstream === undefined) return;
    const { to } = path;
    if (factsOf(context.reader).inventory.directHosts.some((pattern) => covers(pattern.toLowerCase(), to.host))) return;
    const mediated = mediatedTarget(context.host);
    const at = portField(path, context);
    if (mediated === undefined || at === undefined) return; // external-host-has-egress-path speaks
    yield {
      at,
      key: `${to.host}:${to.port}`,
      message: `port ${to.port} of '${to.host}' is not routed to the egress gateway: ${path.reason}`,
      fix: fixFor(to, mediated.to),
      related: path.decidedBy,
      incomplete: true,
    };
  },
});

/** A port of the host that does lead to the gateway, for some client. */
function mediatedTarget(host: readonly TargetPaths[]): TargetPaths | undefined {
  return host.find(({ classes }) => classes.some(({ path }) => path.hop !== undefined));
}

function fixFor(to: Path['to'], mediated: Path['to']): string {
  const section = to.protocol;
  const route = `add a \`${section}\` route for port ${to.port} that leads to the gateway`;
  if (to.port === mediated.port) return `${route}, exported to and imported by the client`;
  const isWebPair = to.port === 443 && mediated.protocol === 'http';
  return isWebPair
    ? `drop port 443 and set \`targetPort: 443\` on port ${mediated.port}, or ${route}`
    : `drop the port, or ${route}`;
}

/** The element of the ServiceEntry's `ports`. */
function portField(path: Path, { reader }: PathContext): FieldRef | undefined {
  const entry = path.decidedBy.find((at) => at.kind === 'ServiceEntry');
  const resource = entry === undefined ? undefined : reader.first(resourcesById, idOf(entry));
  if (resource?.kind !== 'ServiceEntry') return path.decidedBy[0];
  const index = (resource.spec.ports ?? []).findIndex((port) => port.number === path.to.port);
  return fieldOf(resource, index === -1 ? 'spec.ports' : `spec.ports[${index}]`);
}
