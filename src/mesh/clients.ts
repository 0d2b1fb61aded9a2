import type { Labels } from '../istio/resources.ts';
import type { Query } from './engine.ts';
import { promisedWorkload, workloadOf } from './gateway-workloads.ts';
import { isGateway } from './gateways.ts';
import {
  declaredNamespaces,
  everything,
  factsOf,
  kubernetesServices,
  type MeshReader,
  namespacesByName,
  usedNamespaces,
  waypointNamespaces,
  waypointUsers,
  workloadsByNamespace,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';

/** How the pods of a namespace take part in the mesh. */
export interface Dataplane {
  /** Whether some have sidecars: labels or settings say so, or it is assumed of a namespace that says nothing. */
  readonly sidecars: 'declared' | 'assumed' | 'none';
  /** True where others send their traffic through ztunnel: labels say so, or it is assumed of what uses waypoints. */
  readonly isAmbient: boolean;
}

/** How the pods of a namespace (the argument) take part in the mesh. */
const dataplanes: Query<ModelObject, Dataplane> = {
  name: 'data planes',
  level: 1,
  compute(reader, namespace) {
    const { inventory } = factsOf(reader);
    const labels = reader.first(namespacesByName, namespace)?.metadata.labels ?? {};
    const injection = inventory.clients.includes(namespace) || injectionOf(labels);
    if (injection === true) return { sidecars: 'declared', isAmbient: false };
    const pods = reader.entries(workloadsByNamespace, namespace).map(({ spec }) => spec.labels);
    const isAmbient = [labels, ...pods].some(isMarkedAmbient);
    if (injection === false) return { sidecars: 'none', isAmbient };
    if (pods.some(isInjected)) return { sidecars: 'declared', isAmbient };
    if (isAmbient || !mayHaveClients(reader, namespace)) return { sidecars: 'none', isAmbient };
    const usesWaypoints = reader.distinct(waypointUsers, namespace).length > 0;
    return usesWaypoints ? { sidecars: 'none', isAmbient: true } : { sidecars: 'assumed', isAmbient: false };
  },
};

/** How the pods of a namespace take part in the mesh. */
export function dataplaneOf(reader: MeshReader, namespace: string): Dataplane {
  return reader.value(dataplanes, namespace);
}

/** True for a namespace with sidecars, whose traffic is judged. */
export function hasSidecars(reader: MeshReader, namespace: string): boolean {
  return dataplaneOf(reader, namespace).sidecars !== 'none';
}

/** True for a namespace with clients of whichever kind. */
export function hasClients(reader: MeshReader, namespace: string): boolean {
  return hasSidecars(reader, namespace) || dataplaneOf(reader, namespace).isAmbient;
}

/** True for a pod whose traffic goes through ztunnel. Source: cni/pkg/util/enablement_selector.go `Matches`. */
export function isAmbientPod(reader: MeshReader, namespace: string, labels: Labels): boolean {
  const { sidecars, isAmbient } = dataplaneOf(reader, namespace);
  if (!isAmbient || isInjected(labels)) return false;
  if (dataplaneMode in labels) return isMarkedAmbient(labels);
  const own = reader.first(namespacesByName, namespace)?.metadata.labels ?? {};
  return isMarkedAmbient(own) || sidecars === 'none';
}

/** All namespaces with sidecars, sorted. */
export function clientNamespaces(reader: MeshReader): readonly string[] {
  return [...candidates(reader)].filter((namespace) => hasSidecars(reader, namespace)).sort();
}

const ambientNamespacesQuery: Query<ModelObject, readonly string[]> = {
  name: 'ambient namespaces',
  level: 2,
  compute: (reader) => [...candidates(reader)].filter((namespace) => dataplaneOf(reader, namespace).isAmbient).sort(),
};

/** All namespaces with ambient pods, sorted. */
export function ambientNamespaces(reader: MeshReader): readonly string[] {
  return reader.value(ambientNamespacesQuery, everything);
}

function candidates(reader: MeshReader): ReadonlySet<string> {
  return new Set([
    ...factsOf(reader).inventory.clients,
    ...reader.distinct(declaredNamespaces, everything),
    ...reader.distinct(usedNamespaces, everything),
  ]);
}

/** What the labels of a namespace say about sidecars: injected, not injected, or nothing. */
function injectionOf(labels: Labels): boolean | undefined {
  if (labels['istio-injection'] === 'disabled') return false;
  return labels['istio-injection'] === 'enabled' || (labels['istio.io/rev'] ?? '') !== '' ? true : undefined;
}

function isInjected(pod: Labels): boolean {
  return pod['sidecar.istio.io/inject'] === 'true';
}

const dataplaneMode = 'istio.io/dataplane-mode';

function isMarkedAmbient(labels: Labels): boolean {
  return labels[dataplaneMode] === 'ambient';
}

/** What lives beside a gateway or the control plane is configuration, not an application. */
function mayHaveClients(reader: MeshReader, namespace: string): boolean {
  const isUsed = reader.distinct(usedNamespaces, everything).includes(namespace);
  return isUsed && namespace !== factsOf(reader).config.rootNamespace && !hasGateway(reader, namespace);
}

function hasGateway(reader: MeshReader, namespace: string): boolean {
  if (reader.distinct(waypointNamespaces, everything).includes(namespace)) return true;
  if (reader.entries(workloadsByNamespace, namespace).some((resource) => isGateway(reader, workloadOf(resource))))
    return true;
  return reader
    .entries(kubernetesServices, namespace)
    .some(({ selector }) => selector !== undefined && isGateway(reader, promisedWorkload(namespace, selector)));
}
