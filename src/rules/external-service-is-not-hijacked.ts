import { dequal } from 'dequal';
import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { gatewaysOfHost } from '../egress/policy-hosts.ts';
import { sectionOf } from '../istio/protocol.ts';
import { fieldOf, refOf } from '../istio/resources.ts';
import { isKubernetes, type MeshPort, type MeshService } from '../istio/service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { hasSidecars } from '../mesh/clients.ts';
import { gatewayService } from '../mesh/cluster-services.ts';
import { workloadById } from '../mesh/gateways.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineRule, type Problem } from './define.ts';

/** Nobody else's ServiceEntry says what a host is that goes through the egress gateway. */
export const externalServiceIsNotHijacked = defineRule({
  name: 'external-service-is-not-hijacked',
  summary: 'No second ServiceEntry of a host takes the place of the one that the egress gateway works with.',
  why: 'Of several ServiceEntries for one host a proxy uses those of one namespace: gateways the oldest that they see, sidecars their own. One of a tenant, exported to everybody, sends what leaves the gateway to endpoints of its own, or hides a port; in the namespace of a client another protocol switches the route to the gateway off.',
  severity: 'error',
  subject: 'ServiceEntry',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: team-a, name: hijack }
spec:
  hosts: [api.example.com]
  exportTo: [".", istio-egress]
  resolution: STATIC
  endpoints: [{ address: 192.0.2.66 }]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: team-a, name: hijack }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: STATIC
  endpoints: [{ address: 192.0.2.66 }]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check(entry, reader) {
    const { namespace } = entry.metadata;
    for (const [index, written] of (entry.spec.hosts ?? []).entries()) {
      const host = written.toLowerCase();
      const gateways = gatewaysOfHost(reader, host);
      if (gateways.length === 0) continue;
      const services = servicesOfHost(reader, written).filter((service) => !isKubernetes(service));
      const own = services.find(({ resource }) => dequal(refOf(resource), refOf(entry)));
      const owners = ownersOf(reader, host, gateways);
      if (own === undefined || owners.has(namespace)) continue;
      const owned = services.filter((service) => owners.has(service.namespace));
      yield* atGateways(reader, own, owned, gateways, `spec.hosts[${index}]`);
      if (hasSidecars(reader, namespace)) yield* inNamespace(own, owned);
    }
  },
});

/** The namespaces that the egress design of a host belongs to: of the gateway, of the routes to it, and the root. */
function ownersOf(reader: MeshReader, host: string, gateways: readonly string[]): ReadonlySet<string> {
  return new Set([
    factsOf(reader).config.rootNamespace,
    ...gateways.map((id) => workloadById(reader, id).namespace),
    ...capturingVirtualServices(reader, host).map(({ resource }) => resource.metadata.namespace),
  ]);
}

/** It wins on a gateway, over one that says otherwise. */
function* atGateways(
  reader: MeshReader,
  own: MeshService,
  owned: readonly MeshService[],
  gateways: readonly string[],
  field: string,
): Iterable<Problem> {
  for (const { namespace } of gateways.map((id) => workloadById(reader, id))) {
    if (gatewayService(reader, namespace, own.host)?.service.namespace !== own.namespace) continue;
    const hidden = owned.find((other) => isVisibleFrom(other.visibility, namespace) && !saysTheSame(own, other));
    if (hidden === undefined) continue;
    const { metadata } = hidden.resource;
    yield {
      at: fieldOf(own.resource, field),
      key: own.host.toLowerCase(),
      message: `on the egress gateway it takes the place of ServiceEntry '${metadata.namespace}/${metadata.name}' for '${own.host}'`,
      fix: `set \`exportTo: ["."]\`, or drop the host`,
      related: [fieldOf(hidden.resource, 'spec.hosts')],
    };
  }
}

/** In its own namespace it changes the kind of route that counts for a port. */
function* inNamespace(own: MeshService, owned: readonly MeshService[]): Iterable<Problem> {
  for (const [index, port] of own.ports.entries()) {
    const other = owned.find(({ ports }) => ports.some((candidate) => isOtherSection(candidate, port)));
    if (other === undefined) continue;
    const { metadata } = other.resource;
    yield {
      at: fieldOf(own.resource, `spec.ports[${index}].protocol`),
      key: `${own.host.toLowerCase()}:${port.number}`,
      message: `'${port.protocol}' on port ${port.number} of '${own.host}' switches off the route to the gateway, which is for the protocol of ServiceEntry '${metadata.namespace}/${metadata.name}'`,
      fix: `use the protocol of ServiceEntry '${metadata.namespace}/${metadata.name}', or drop the port`,
      related: [fieldOf(other.resource, 'spec.ports')],
    };
  }
}

function isOtherSection(one: MeshPort, other: MeshPort): boolean {
  return one.number === other.number && sectionOf(one.protocol) !== sectionOf(other.protocol);
}

/** True when a gateway reaches the same by either: the name of a port tells nothing. */
function saysTheSame(one: MeshService, other: MeshService): boolean {
  const essence = ({ resolution, endpoints, ports }: MeshService): unknown => [
    resolution,
    endpoints,
    ports.map(({ number, protocol, targetPort }) => [number, protocol, targetPort]),
  ];
  return dequal(essence(one), essence(other));
}
