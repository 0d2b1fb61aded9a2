import type { GatewayServer } from '../istio/gateway-server.ts';
import { compareText } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { listeningPorts, workloadById, workloadsOf } from '../mesh/gateways.ts';
import { everything, type MeshReader, ruleKey } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { TargetPaths } from './class-paths.ts';
import type { Arrival, Hop, Target } from './path.ts';

/** Requests of some clients to a target that arrive at a server of a gateway. */
export interface Flow {
  readonly to: Target;
  readonly arrival: Arrival;
}

const byHost = (a: Flow, b: Flow): number => compareText(a.to.host, b.to.host);

/** Flows by `workload|SNI`. */
const flowsBySni: DerivedIndex<Flow> = { kind: 'derived', name: 'flows by SNI', compare: byHost };

/** Flows by `workload|shape`: what policies see of a flow besides names. */
const flowsByShape: DerivedIndex<Flow> = { kind: 'derived', name: 'flows by shape', compare: byHost };

/** Flows by workload. */
const flowsByWorkload: DerivedIndex<Flow> = { kind: 'derived', name: 'flows by workload', compare: byHost };

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

/** Files what the paths to a host lead to: gateways, servers whose TLS does not fit, and what arrives. */
export function contributeFlows(host: readonly TargetPaths[], name: string, contribute: Contribute): void {
  const workloads = new Set<string>();
  const intended = new Set<string>();
  const services = new Set<string>();
  const misfits = new Set<string>();
  const flows = new Set<Arrival>();
  for (const { to, classes } of host) {
    for (const { path } of classes) {
      for (const { hop, server, cause, arrival } of [path, ...path.alternatives]) {
        if (hop !== undefined) services.add(hop.service);
        if (hop?.workload !== undefined) workloads.add(hop.workload);
        for (const workload of hop?.meantFor ?? []) intended.add(workload);
        if (server !== undefined && cause === 'tls-mismatch') misfits.add(ruleKey(server.gateway, server.at.field));
        if (arrival !== undefined && !flows.has(arrival)) contributeFlow({ to, arrival }, contribute);
        if (arrival !== undefined) flows.add(arrival);
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

/** The pods (their identities) that a hop leads to, or is meant for where it does not get there. */
export function gatewaysOfHop(hop: Hop | undefined): readonly string[] {
  return hop?.workload === undefined ? (hop?.meantFor ?? []) : [hop.workload];
}

function contributeFlow(flow: Flow, contribute: Contribute): void {
  const { workload, sni } = flow.arrival;
  contribute(flowsByWorkload, workload.id, flow);
  contribute(flowsByShape, ruleKey(workload.id, shapeOf(flow.arrival)), flow);
  if (sni !== undefined) contribute(flowsBySni, ruleKey(workload.id, sni), flow);
}

/** The egress gateways. */
const egressGateways: DerivedIndex<string> = { kind: 'derived', name: 'egress gateways', compare: compareText };

/** Whether pods (the argument is their identity) are meant: asked for every Gateway, and the same whichever host comes first. */
const isIntended: Query<ModelObject, boolean> = {
  name: 'is meant for egress',
  level: 7,
  compute: (reader, id) => reader.first(hostsByIntent, id) !== undefined,
};

/** True for the identity of pods that a route for an external host is meant for, also where it does not get there yet. */
export function isMeantForEgress(reader: MeshReader, workload: string): boolean {
  return reader.value(isIntended, workload);
}

/** Whether a workload (the argument is its identity) is an egress gateway: a route for an external host leads to it. */
export const isEgressGateway: Query<ModelObject, boolean> = {
  name: 'is an egress gateway',
  level: 7,
  rootsOf: workloadsOf,
  compute: (reader, id) => reader.first(hostsByWorkload, id) !== undefined,
  contribute(isEgress, id, contribute) {
    if (isEgress) contribute(egressGateways, everything, id);
  },
};

/** All egress gateways. */
export function egressWorkloads(reader: MeshReader): readonly Workload[] {
  return reader.entries(egressGateways, everything).map((id) => workloadById(reader, id));
}

/** The flows of a gateway whose connection carries an SNI (lower case). */
export function flowsWithSni(reader: MeshReader, workload: Workload, sni: string): readonly Flow[] {
  return reader.entries(flowsBySni, ruleKey(workload.id, sni));
}

/** One flow for each shape of flows of a gateway: enough for conditions that speak of no name. */
export function flowShapes(reader: MeshReader, workload: Workload): readonly Flow[] {
  return [...shapesOf(reader, workload)].flatMap(
    (shape) => reader.first(flowsByShape, ruleKey(workload.id, shape)) ?? [],
  );
}

/** All flows of a gateway. */
export function flowsOf(reader: MeshReader, workload: Workload): readonly Flow[] {
  return reader.entries(flowsByWorkload, workload.id);
}

type Shape = Pick<Arrival, 'chain' | 'identity' | 'podPort' | 'sni' | 'sniIsClients'>;

function shapeOf({ chain, identity, podPort, sni, sniIsClients }: Shape): string {
  const sniOf = sni === undefined ? 'nobody' : sniIsClients ? 'application' : 'hop';
  return `${chain} ${identity} ${podPort} ${sniOf}`;
}

/** Every shape that a flow of the gateway can have. */
function* shapesOf(reader: MeshReader, workload: Workload): Iterable<string> {
  for (const podPort of listeningPorts(reader, workload)) {
    for (const chain of ['http', 'tcp'] as const) {
      for (const identity of ['workload', 'none', 'unknown'] as const) {
        yield shapeOf({ chain, identity, podPort, sniIsClients: false });
        yield shapeOf({ chain, identity, podPort, sni: '', sniIsClients: false });
        yield shapeOf({ chain, identity, podPort, sni: '', sniIsClients: true });
      }
    }
  }
}
