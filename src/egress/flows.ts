import { compareText } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import { workloadsOf } from '../mesh/gateways.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { TargetPaths } from './class-paths.ts';

/** The hosts whose route leads to the pods of a workload, by workload; also where nothing takes the requests there. */
const hostsByWorkload: DerivedIndex<string> = { kind: 'derived', name: 'hosts by workload', compare: compareText };

/** Files the gateways that the paths to a host lead to. */
export function contributeFlows(host: readonly TargetPaths[], name: string, contribute: Contribute): void {
  const workloads = new Set<string>();
  for (const { classes } of host) {
    for (const { path } of classes) {
      for (const { hop } of [path, ...path.alternatives]) {
        if (hop?.workload !== undefined) workloads.add(hop.workload);
      }
    }
  }
  for (const workload of workloads) contribute(hostsByWorkload, workload, name);
}

/** Whether a workload (the argument is its identity) is an egress gateway: a route for an external host leads to it. */
export const isEgressGateway: Query<ModelObject, boolean> = {
  name: 'is an egress gateway',
  level: 7,
  rootsOf: workloadsOf,
  compute: (reader, id) => reader.first(hostsByWorkload, id) !== undefined,
};
