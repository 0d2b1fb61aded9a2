import type { Query } from '../mesh/engine.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesCovering } from '../mesh/services.ts';
import { waypointOf } from '../mesh/waypoints.ts';
import type { TargetPaths } from './class-paths.ts';
import { anyAccount, type Client, type Path, type Target } from './path.ts';

/** What an ambient client asks for: ztunnel and waypoints decide about it, which are not looked into. */
export interface Unevaluated {
  readonly from: Client;
  readonly to: Target;
  /** One clause that says what decides instead, for people. */
  readonly reason: string;
}

/** What is said of one client and target. */
export type Answer = Path | Unevaluated;

/** True for what is known of a path. */
export function isPath(answer: Answer): answer is Path {
  return 'outcome' in answer;
}

/** Why nothing is said of what ambient clients send to a host (the argument, in lower case). */
const reasons: Query<ModelObject, string> = {
  name: 'reasons of ambient clients',
  level: 5,
  compute(reader, host) {
    const uses = servicesCovering(reader, host).flatMap(({ resource }) => waypointOf(reader, resource) ?? []);
    const [use] = uses.toSorted((a, b) => Number(a.lack !== undefined) - Number(b.lack !== undefined));
    if (use === undefined)
      return 'ztunnel takes the traffic of this ambient client, and no waypoint: what becomes of it is not evaluated';
    const name = `waypoint '${use.waypoint.namespace}/${use.waypoint.name}'`;
    return use.lack === undefined
      ? `${name} takes the traffic of this ambient client: what it does is not evaluated`
      : `${name} is named for the traffic of this ambient client, and does not take it: what ztunnel does instead is not evaluated`;
  },
};

/** What is not said of an ambient client. */
export function unevaluated(reader: MeshReader, from: Client, to: Target): Unevaluated {
  return { from, to, reason: reader.value(reasons, to.host.toLowerCase()) };
}

/** What is not said of the ambient clients in some namespaces. */
export function unevaluatedTargets(
  reader: MeshReader,
  namespaces: readonly string[],
  targets: readonly TargetPaths[],
): readonly Unevaluated[] {
  return targets.flatMap(({ to }) =>
    namespaces.map((namespace) => unevaluated(reader, { namespace, serviceAccount: anyAccount }, to)),
  );
}
