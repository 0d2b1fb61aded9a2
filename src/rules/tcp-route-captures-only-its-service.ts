import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { type FieldRef, idOf, type ResourceRef, refOf } from '../istio/resources.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { factsOf, type MeshReader, resourcesById } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { servicesCovering } from '../mesh/services.ts';
import { defineRule } from './define.ts';

/** Raw bytes reach the host that they are for. */
export const tcpRouteCapturesOnlyItsService = defineRule({
  name: 'tcp-route-captures-only-its-service',
  summary: 'A TCP port of one host does not take the connections of another.',
  why: 'Raw bytes carry no name: a sidecar tells them apart by address and port. Of several ServiceEntries without addresses that have one TCP port, one takes all connections of that port, with its route, or with none. Only sidecars that resolve names themselves (DNS capture) know them by addresses that Istio allocates.',
  severity: 'warning',
  subject: 'path',
  stage: 'capture',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: db }
spec:
  hosts: [db.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 5432, name: tcp-postgres, protocol: TCP }]
---
kind: Gateway
metadata: { namespace: istio-egress, name: db }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 443, name: tls-db, protocol: TLS }
    hosts: [db.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-db }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: db
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: db.example.com }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: db }
spec:
  hosts: [db.example.com]
  gateways: [mesh, db]
  tcp:
  - match: [{ gateways: [mesh], port: 5432 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: db
        port: { number: 443 }
  - match: [{ gateways: [db], port: 443 }]
    route: [{ destination: { host: db.example.com, port: { number: 5432 } } }]
---
kind: ServiceEntry
metadata: { namespace: team-b, name: partner }
spec:
  hosts: [db.partner.example]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 5432, name: tcp-postgres, protocol: TCP }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: db }
spec:
  hosts: [db.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 5432, name: tcp-postgres, protocol: TCP }]
---
kind: Gateway
metadata: { namespace: istio-egress, name: db }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 443, name: tls-db, protocol: TLS }
    hosts: [db.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-db }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: db
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: db.example.com }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: db }
spec:
  hosts: [db.example.com]
  gateways: [mesh, db]
  tcp:
  - match: [{ gateways: [mesh], port: 5432 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: db
        port: { number: 443 }
  - match: [{ gateways: [db], port: 443 }]
    route: [{ destination: { host: db.example.com, port: { number: 5432 } } }]
---
kind: ServiceEntry
metadata: { namespace: team-b, name: partner }
spec:
  hosts: [db.partner.example]
  addresses: [192.0.2.20]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 5432, name: tcp-postgres, protocol: TCP }]
`,
  },

  *check({ from, takenFor, hop, to, decidedBy }, { reader }) {
    const [chosen] = decidedBy;
    if (takenFor === undefined || chosen === undefined) return;
    if (isDirectHost(factsOf(reader).inventory, to.host)) return;
    if (hop === undefined && capturingVirtualServices(reader, to.host).length === 0) return; // neither is led to the gateway
    const own = servicesCovering(reader, to.host).filter(({ visibility }) => isVisibleFrom(visibility, from.namespace));
    if (own.length === 0) return; // no business of the client's
    yield {
      at: hop?.routeAt ?? portOf(reader, chosen, to.port),
      key: `${to.host}:${to.port}`,
      message: `connections to '${to.host}' on port ${to.port} are taken for those to '${takenFor}': no address tells them apart`,
      fix: 'add `addresses` to one of their ServiceEntries, or give each host a port of its own',
      related: own.map(({ resource }) => portOf(reader, refOf(resource), to.port)),
    };
  },
});

function portOf(reader: MeshReader, ref: ResourceRef, number: number): FieldRef {
  const resource = reader.first(resourcesById, idOf(ref));
  const ports = resource?.kind === 'ServiceEntry' ? (resource.spec.ports ?? []) : [];
  const index = ports.findIndex((port) => port.number === number);
  return { ...ref, field: index === -1 ? 'spec.ports' : `spec.ports[${index}]` };
}
