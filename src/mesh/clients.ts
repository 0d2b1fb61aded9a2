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
  workloadsByNamespace,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';

/** Whether a namespace (the argument) has sidecars whose traffic is judged. */
export const isClientNamespace: Query<ModelObject, boolean> = {
  name: 'client namespaces',
  level: 1,
  compute(reader, namespace) {
    const { inventory, config } = factsOf(reader);
    if (inventory.clients.includes(namespace)) return true;
    const labels = reader.first(namespacesByName, namespace)?.metadata.labels;
    const injection = labels === undefined ? undefined : injectionOf(labels);
    if (injection !== undefined) return injection;
    if (
      reader
        .entries(workloadsByNamespace, namespace)
        .some(({ spec }) => spec.labels['sidecar.istio.io/inject'] === 'true')
    )
      return true;
    // What lives beside a gateway or the control plane is configuration, not an application.
    const isUsed = reader.distinct(usedNamespaces, everything).includes(namespace);
    return isUsed && namespace !== config.rootNamespace && !hasGateway(reader, namespace);
  },
};

/** All namespaces with sidecars, sorted. */
export function clientNamespaces(reader: MeshReader): readonly string[] {
  const candidates = new Set([
    ...factsOf(reader).inventory.clients,
    ...reader.distinct(declaredNamespaces, everything),
    ...reader.distinct(usedNamespaces, everything),
  ]);
  return [...candidates].filter((namespace) => reader.value(isClientNamespace, namespace)).sort();
}

/** What the labels of a namespace say about sidecars and ambient: injected, not injected, or nothing. */
function injectionOf(labels: Labels): boolean | undefined {
  if (labels['istio-injection'] === 'disabled') return false;
  if (labels['istio-injection'] === 'enabled' || (labels['istio.io/rev'] ?? '') !== '') return true;
  return labels['istio.io/dataplane-mode'] === 'ambient' ? true : undefined;
}

function hasGateway(reader: MeshReader, namespace: string): boolean {
  if (reader.entries(workloadsByNamespace, namespace).some((resource) => isGateway(reader, workloadOf(resource))))
    return true;
  return reader
    .entries(kubernetesServices, namespace)
    .some(({ selector }) => selector !== undefined && isGateway(reader, promisedWorkload(namespace, selector)));
}
