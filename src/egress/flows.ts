import type { GatewayServer } from '../istio/gateway-server.ts';
import { compareText } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import { workloadsOf } from '../mesh/gateways.ts';
import { everything, type MeshReader, ruleKey } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { TargetPaths } from './class-paths.ts';

/** The hosts whose route leads to the pods of a workload, by workload; also where nothing takes the requests there. */
const hostsByWorkload: DerivedIndex<string> = { kind: 'derived', name: 'hosts by workload', compare: compareText };

/** The hosts whose requests reach a server that cannot take their TLS, by `gateway|field` of the server. */
const hostsByMisfit: DerivedIndex<string> = { kind: 'derived', name: 'hosts by misfit', compare: compareText };

/** The hosts whose route leads to a gateway's Service, by its FQDN. */
const hostsByService: DerivedIndex<string> = {
  kind: 'derived',
  name: 'hosts by gateway service',
  compare: compareText,
};

/** The same with the hosts whose requests arrive at no pod, by the pods of the Service that their route leads to. */
const hostsByIntent: DerivedIndex<string> = { kind: 'derived', name: 'hosts by intent', compare: compareText };

/** The hosts whose route leads to any egress gateway. */
const hostsByRoute: DerivedIndex<string> = { kind: 'derived', name: 'hosts with a gateway', compare: compareText };

/** Files the gateways that the paths to a host lead to, and the servers whose TLS does not fit. */
export function contributeFlows(host: readonly TargetPaths[], name: string, contribute: Contribute): void {
  const workloads = new Set<string>();
  const intended = new Set<string>();
  const services = new Set<string>();
  const misfits = new Set<string>();
  for (const { classes } of host) {
    for (const { path } of classes) {
      for (const { hop, server, cause } of [path, ...path.alternatives]) {
        if (hop !== undefined) services.add(hop.service);
        if (hop?.workload !== undefined) workloads.add(hop.workload);
        for (const workload of hop?.meantFor ?? []) intended.add(workload);
        if (server !== undefined && cause === 'tls-mismatch') misfits.add(ruleKey(server.gateway, server.at.field));
      }
    }
  }
  for (const workload of workloads) contribute(hostsByWorkload, workload, name);
  for (const workload of intended.union(workloads)) contribute(hostsByIntent, workload, name);
  if (services.size > 0) contribute(hostsByRoute, everything, name);
  for (const service of services) contribute(hostsByService, service, name);
  for (const server of misfits) contribute(hostsByMisfit, server, name);
}

/** True where egress is designed at all: some route for an external host leads to a gateway. */
export function hasEgressGateway(reader: MeshReader): boolean {
  return reader.first(hostsByRoute, everything) !== undefined;
}

/** True for the FQDN of a Service that some route for an external host leads to. */
export function isEgressService(reader: MeshReader, service: string): boolean {
  return reader.first(hostsByService, service) !== undefined;
}

/** True when the TLS of some path that arrives at the server does not fit it. */
export function meetsMisfit(reader: MeshReader, server: GatewayServer): boolean {
  return reader.first(hostsByMisfit, ruleKey(server.gateway, server.field)) !== undefined;
}

/** True for the identity of pods that a route for an external host is meant for, also where it does not get there yet. */
export function isMeantForEgress(reader: MeshReader, workload: string): boolean {
  return reader.first(hostsByIntent, workload) !== undefined;
}

/** Whether a workload (the argument is its identity) is an egress gateway: a route for an external host leads to it. */
export const isEgressGateway: Query<ModelObject, boolean> = {
  name: 'is an egress gateway',
  level: 7,
  rootsOf: workloadsOf,
  compute: (reader, id) => reader.first(hostsByWorkload, id) !== undefined,
};
