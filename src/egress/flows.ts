import { compareText } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { listeningPorts, workloadById, workloadsOf } from '../mesh/gateways.ts';
import { everything, type MeshReader, ruleKey } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { TargetPaths } from './class-paths.ts';
import type { Arrival, Target } from './path.ts';

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

/** Files what arrives at gateways of the paths to a host. */
export function contributeFlows(host: readonly TargetPaths[], name: string, contribute: Contribute): void {
  const workloads = new Set<string>();
  const flows = new Set<Arrival>();
  for (const { to, classes } of host) {
    for (const { path } of classes) {
      for (const { hop, arrival } of [path, ...path.alternatives]) {
        if (hop?.workload !== undefined) workloads.add(hop.workload);
        if (arrival !== undefined && !flows.has(arrival)) contributeFlow({ to, arrival }, contribute);
        if (arrival !== undefined) flows.add(arrival);
      }
    }
  }
  for (const workload of workloads) contribute(hostsByWorkload, workload, name);
}

function contributeFlow(flow: Flow, contribute: Contribute): void {
  const { workload, sni } = flow.arrival;
  contribute(flowsByWorkload, workload.id, flow);
  contribute(flowsByShape, ruleKey(workload.id, shapeOf(flow.arrival)), flow);
  if (sni !== undefined) contribute(flowsBySni, ruleKey(workload.id, sni), flow);
}

/** The egress gateways. */
const egressGateways: DerivedIndex<string> = { kind: 'derived', name: 'egress gateways', compare: compareText };

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
