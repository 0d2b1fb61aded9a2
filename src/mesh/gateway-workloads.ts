import type { Labels, ResourceOf } from '../istio/resources.ts';
import { labelsKey, selects } from '../istio/selectors.ts';
import type { MeshService } from '../istio/service.ts';
import { factsOf, gatewaysBySelector, labelKey, type MeshReader, workloadsByNamespace } from './indexes.ts';

/** Pods of one namespace with the same labels: to Istio they are one gateway. */
export interface Workload {
  /** `namespace|labels`: see `workloadId`. */
  readonly id: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly containerPorts: Readonly<Record<string, number>>;
  /** True when Istio's proxy is all that is known to run in the pods. */
  readonly isProxyOnly: boolean;
}

/** The identity of pods by namespace and labels. */
function workloadId(namespace: string, labels: Labels): string {
  return `${namespace}|${labelsKey(labels)}`;
}

/** What is read of a resource once: every look at a gateway asks for it. */
const workloads = new WeakMap<ResourceOf<'Workload'>, Workload>();

/** The pods that a resource declares. */
export function workloadOf(resource: ResourceOf<'Workload'>): Workload {
  const workload = workloads.get(resource) ?? readWorkload(resource);
  workloads.set(resource, workload);
  return workload;
}

function readWorkload(resource: ResourceOf<'Workload'>): Workload {
  const { labels, serviceAccount, containerPorts, isProxyOnly } = resource.spec;
  const { namespace } = resource.metadata;
  return { id: workloadId(namespace, labels), namespace, labels, serviceAccount, containerPorts, isProxyOnly };
}

/** The pods that a Service's selector promises when no pod is known. */
export function promisedWorkload(namespace: string, selector: Labels): Workload {
  return {
    id: workloadId(namespace, selector),
    namespace,
    labels: selector,
    serviceAccount: 'default',
    containerPorts: {},
    isProxyOnly: false,
  };
}

/**
 * The pods behind a Service, those with equal labels once. Where no pod of the namespace is known at all, the selector's
 * promise stands for them: manifests in files rarely include the gateway's Deployment. So it does where other pods are known and a
 * Gateway selects the promised ones: a gateway that is scaled to zero, or installed elsewhere than its neighbours, is one all the same.
 */
export function workloadsBehind(reader: MeshReader, service: MeshService): readonly Workload[] {
  const { selector } = service;
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const known = reader.entries(workloadsByNamespace, service.namespace);
  const behind = new Map<string, Workload>();
  for (const resource of known) {
    if (!selects(selector, resource.spec.labels)) continue;
    const workload = workloadOf(resource);
    behind.set(workload.id, behind.get(workload.id) ?? workload);
  }
  if (behind.size > 0) return [...behind.values()];
  const isAnyKnown = known.some(({ spec }) => spec.isPromised !== true);
  if (isAnyKnown && !isSelectedByGateway(reader, selector)) return [];
  return [promisedWorkload(service.namespace, selector)];
}

/** True when a Gateway with a selector of its own selects pods with these labels. */
function isSelectedByGateway(reader: MeshReader, labels: Labels): boolean {
  return Object.entries(labels).some(([name, value]) =>
    reader
      .entries(gatewaysBySelector, labelKey(name, value))
      .some((gateway) => selects(gateway.spec.selector ?? {}, labels)),
  );
}

/** True when the settings count the pods as an egress gateway; without such settings every gateway may be one. */
export function mayBeEgressGateway(reader: MeshReader, workload: Workload): boolean {
  const { egressGateways } = factsOf(reader).inventory;
  if (egressGateways.length === 0) return true;
  return egressGateways.some(
    ({ namespace, selector }) => namespace === workload.namespace && selects(selector, workload.labels),
  );
}

/** The number of the port that a Service's port leads to on these pods; undefined when no container port has the name. */
export function podPort(workload: Workload, targetPort: number | string): number | undefined {
  return typeof targetPort === 'number' ? targetPort : workload.containerPorts[targetPort];
}
