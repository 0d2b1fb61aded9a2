import { wholeGatewayHost } from '../egress/hop.ts';
import type { MissingDestination } from '../egress/path.ts';
import { fieldOf } from '../istio/resources.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineRule, type Problem } from './define.ts';

/** What an external host is routed to is there. */
export const routeDestinationExists = defineRule({
  name: 'route-destination-exists',
  summary: 'What the sidecars route an external host to exists, and the clients see it.',
  why: "A sidecar has clusters for the services that it sees. A route to another one, by a slip of the pen or because a bare name was completed with the VirtualService's own namespace, fails: requests with status 503, connections with a reset.",
  severity: 'error',
  subject: 'path',
  stage: 'capture',
  related: ['IST0101', 'KIA1101'],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    # a letter is missing
    route:
    - destination:
        host: istio-egressgatway.istio-egress.svc.cluster.local
        subset: api
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
    good: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
  },

  *check({ missing, decidedBy, to, from }, { reader }) {
    const at = decidedBy.at(-1);
    if (missing === undefined || at === undefined) return;
    if (isDirectHost(factsOf(reader).inventory, to.host)) return;
    if (wholeGatewayHost(reader, missing.host) !== undefined) return; // service-host-is-qualified speaks
    yield { at, key: `${missing.host} ${missing.what}`, ...problemOf(reader, missing, from.namespace) };
  },
});

function problemOf(
  reader: MeshReader,
  { what, host, port, subset }: MissingDestination,
  client: string,
): Omit<Problem, 'at' | 'key'> {
  const services = servicesOfHost(reader, host);
  const leads = `the route leads to '${host}'`;
  if (what === 'port') return { message: `${leads}, which has no port ${port}`, fix: 'lead to a port that it has' };
  if (what === 'subset')
    return {
      message: `${leads}, and no DestinationRule that the clients apply to it has a subset '${subset}'`,
      fix: `define subset '${subset}', or leave it out`,
      incomplete: true,
    };
  if (services.length === 0)
    return {
      message: `${leads}, which is no service`,
      fix: "name the egress gateway's Service in full: 'NAME.NAMESPACE.svc.CLUSTER-DOMAIN'",
      incomplete: true,
    };
  const isExported = services.some((service) => isVisibleFrom(service.visibility, client));
  return {
    message: `${leads}, which the clients ${isExported ? 'do not import' : 'do not see'}`,
    fix: isExported ? 'import it in their Sidecar' : 'export it to them (`exportTo`)',
    related: services.map(({ resource }) => fieldOf(resource, '')),
  };
}
