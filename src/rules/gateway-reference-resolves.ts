import { type BoundLeg, refusedLegs } from '../egress/gateway-leg.ts';
import { type LostReference, lostReferences, writtenGateway } from '../egress/gateway-references.ts';
import { gatewayServiceOf } from '../egress/hop.ts';
import { isExternalHost } from '../egress/host-paths.ts';
import { covers, isWildcard } from '../istio/hosts.ts';
import { fieldOf, idOf, refOf } from '../istio/resources.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import { workloadById } from '../mesh/gateways.ts';
import {
  gatewaysByBareName,
  type MeshReader,
  serversByGateway,
  servicesUnder,
  virtualServicesByName,
} from '../mesh/indexes.ts';
import { defineRule, type Problem } from './define.ts';

/** What a VirtualService names as its gateways is there, and lets it in. */
export const gatewayReferenceResolves = defineRule({
  name: 'gateway-reference-resolves',
  summary: 'The gateways that a VirtualService names exist, are listed, see it and admit it.',
  why: 'Sidecars and gateways find a VirtualService by its list of gateways alone: a match for any other name never applies, and without mesh in the list traffic leaves directly. A bare name means a Gateway of its own namespace. The pods of the gateway have to see it, and a namespace before a host of the server lets in that namespace only.',
  severity: 'error',
  subject: 'VirtualService',
  related: ['IST0101', 'KIA1102'],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egres]   # the Gateway is called egress
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  - match: [{ gateways: [egres], port: 80 }]
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
        port: { number: 80 }
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
  },

  *check({ metadata }, reader) {
    const virtualService = reader.first(virtualServicesByName, `${metadata.namespace}/${metadata.name}`);
    if (virtualService === undefined || virtualService.hosts.length === 0) return; // the root of a delegate speaks
    const names = [...new Set(virtualService.hosts.flatMap((host) => namesUnder(reader, host.toLowerCase())))];
    if (!names.some((name) => isExternal(reader, virtualService, name))) return;
    for (const reference of lostReferences(reader, virtualService)) yield aboutLost(reader, virtualService, reference);
    for (const [gateway, gap] of refusals(reader, virtualService, names))
      yield aboutRefusal(reader, virtualService, gateway, gap);
  },
});

/** A host as it is written, and the registered ones that its wildcard covers. */
function namesUnder(reader: MeshReader, host: string): readonly string[] {
  if (!isWildcard(host)) return [host];
  return [host, ...reader.entries(servicesUnder, host).map((service) => service.host.toLowerCase())];
}

/** True for a host outside of the mesh: it has paths, or some route for it leads to an egress gateway. */
function isExternal(reader: MeshReader, { http, tls, tcp }: VirtualService, host: string): boolean {
  if (isExternalHost(reader, host)) return true;
  const destinations = [...http, ...tls, ...tcp].flatMap((rule) => rule.destinations);
  return destinations.some((destination) => gatewayServiceOf(reader, destination.host, host) !== undefined);
}

function aboutLost(
  reader: MeshReader,
  { resource, hosts }: VirtualService,
  { kind, gateway, at }: LostReference,
): Problem {
  const name = writtenGateway(gateway, resource);
  if (kind === 'unlisted') {
    return {
      at,
      key: gateway,
      message: `the match is for gateway '${name}', which the VirtualService does not list: it never applies`,
      fix: `add \`${name}\` to \`spec.gateways\``,
    };
  }
  const namesake = namesakeOf(reader, gateway, hosts);
  return {
    at,
    key: gateway,
    message: `there is no Gateway '${gateway}'`,
    fix: namesake === undefined ? `add the Gateway, or name one that exists` : `name \`${namesake}\``,
    incomplete: true,
  };
}

/** A Gateway of the same name in another namespace that serves one of the hosts. */
function namesakeOf(reader: MeshReader, gateway: string, hosts: readonly string[]): string | undefined {
  const [, name = ''] = gateway.split('/');
  return reader
    .entries(gatewaysByBareName, name)
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .find((candidate) =>
      reader
        .entries(serversByGateway, candidate)
        .some(({ serverNames }) => serverNames.some((server) => hosts.some((host) => covers(server, host)))),
    );
}

/** The Gateways that do not let the VirtualService serve a path that nothing else serves, with the reason. */
function refusals(
  reader: MeshReader,
  { resource }: VirtualService,
  names: readonly string[],
): ReadonlyMap<string, BoundLeg> {
  const own = names
    .flatMap((name) => refusedLegs(reader, name))
    .filter(({ virtualService }) => idOf(refOf(virtualService.resource)) === idOf(refOf(resource)));
  return new Map(own.map((leg) => [leg.server.gateway, leg]));
}

function aboutRefusal(
  reader: MeshReader,
  { resource, gateways, visibility }: VirtualService,
  gateway: string,
  { kind, at, server, workload }: BoundLeg,
): Problem {
  const { namespace } = workloadById(reader, workload);
  if (kind === 'not-exported') {
    return {
      at,
      key: gateway,
      message: `the VirtualService is not exported to '${namespace}', where the pods of Gateway '${gateway}' run`,
      fix: `add '${namespace}' to \`exportTo\``,
      related: [fieldOf(server.resource, `${server.field}.hosts`)],
      // Where each client has a copy of its own, the gateway's may still come.
      incomplete: [...visibility.namespaces].every((name) => name === resource.metadata.namespace),
    };
  }
  const admitted = new Set(server.hosts.flatMap((host) => (host.includes('/') ? [host.split('/', 1)[0]] : [])));
  const where = `namespace ${[...admitted].map((name) => `'${name}'`).join(' or ')}`;
  return {
    at: fieldOf(resource, `spec.gateways[${gateways.indexOf(gateway)}]`),
    key: gateway,
    message: `Gateway '${gateway}' takes '${server.hosts.join(', ')}' from VirtualServices of ${where} only`,
    fix: `move the VirtualService to ${where}, or drop the namespace from the host of the server`,
    related: [at],
  };
}
