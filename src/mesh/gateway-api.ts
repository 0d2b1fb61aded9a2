import {
  admitsListenerSet,
  gatewayGroup,
  type Listener,
  type ListenerSource,
  type ListenerSurroundings,
  readListeners,
} from '../istio/gateway-api-listeners.ts';
import {
  generateDestinationRules,
  olderPolicyFirst,
  type PolicyTarget,
  targetKindOf,
} from '../istio/gateway-api-policies.ts';
import {
  type GeneratedRoute,
  generateRoutes,
  mergedFirst,
  mergeRoutes,
  type ParentId,
  type Route,
} from '../istio/gateway-api-routes.ts';
import { matchesLabels } from '../istio/label-selector.ts';
import { gatewayNameLabel, type ManagedGateway, managedGateway } from '../istio/managed-gateway.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import {
  compareText,
  idOf,
  type Kind,
  olderFirst,
  type Resource,
  type ResourceOf,
  type ResourceRef,
  refOf,
  routeKinds,
} from '../istio/resources.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import type { DerivedIndex, Query, Reader, SortedIndex } from './engine.ts';
import { type ModelObject, toModelObject } from './model-object.ts';

/*
 * What Istio generates from resources of the Gateway API depends on several of them: a route, the Gateway that it names, labels
 * of namespaces, grants. That is a small mesh of its own beside the mesh: an engine of the same make, over resources, whose
 * values are the generated objects. A change of a resource says which of them come and go.
 */

/** Kinds of which Istio generates something: without them there is nothing to do. */
export const generatingKinds: ReadonlySet<Kind> = new Set<Kind>([
  'KubernetesGateway',
  'ListenerSet',
  'BackendTLSPolicy',
  ...routeKinds,
]);

/** Kinds that change what is generated. */
export const readKinds: ReadonlySet<Kind> = new Set<Kind>([
  ...generatingKinds,
  'ReferenceGrant',
  'Namespace',
  'ServiceEntry',
  'Service',
  'Workload',
]);

type Resources = Reader<Resource>;

/** What the values of the engine are asked for: the routes first, which take part in what is generated. */
export interface GatewayApiQueries {
  readonly routes: Query<Resource, readonly GeneratedRoute[]>;
  /** Everything that Istio generates from one resource (the argument is its identity), alone or as the first of several. */
  readonly generated: Query<Resource, readonly ModelObject[]>;
}

/** The queries of the engine in a mesh with this configuration. */
export function gatewayApiQueries(config: MeshConfig): GatewayApiQueries {
  const listeners = listenersQuery(config);
  const routes = routesQuery(config, listeners);
  return { routes, generated: generatedQuery(config, listeners, routes) };
}

function index<K extends Kind>(
  name: string,
  kind: K,
  keysOf: (resource: ResourceOf<K>) => Iterable<string>,
  compare: (a: ResourceOf<K>, b: ResourceOf<K>) => number = olderFirst,
): SortedIndex<Resource, ResourceOf<K>> {
  return {
    kind: 'sorted',
    name,
    *entriesOf(resource) {
      if (isOfKind(resource, kind)) for (const key of keysOf(resource)) yield [key, resource];
    },
    compare,
  };
}

function isOfKind<K extends Kind>(resource: Resource, kind: K): resource is ResourceOf<K> {
  return resource.kind === kind;
}

/** Every resource by its identity. */
const byId: SortedIndex<Resource, Resource> = {
  kind: 'sorted',
  name: 'resources by identity',
  entriesOf: (resource) => [[idOf(refOf(resource)), resource]],
  compare: olderFirst,
};

/** All namespaces, under one key. */
const namespaces = index('all namespaces', 'Namespace', () => ['']);

/** ReferenceGrants by namespace: what in it may be referred to. */
const grants = index('grants', 'ReferenceGrant', ({ metadata }) => [metadata.namespace]);

/** Pods that Istio has deployed, by `namespace|Gateway`. */
const deployedPods = index('deployed gateways', 'Workload', ({ metadata, spec }) => {
  const gateway = spec.labels[gatewayNameLabel];
  return gateway === undefined ? [] : [`${metadata.namespace}|${gateway}`];
});

/** BackendTLSPolicies by the identity of what they are about. */
const policiesByTarget = index('TLS policies by target', 'BackendTLSPolicy', targetsOf, olderPolicyFirst);

/** The indexes of the engine. */
export const gatewayApiIndexes: readonly SortedIndex<Resource, unknown>[] = [
  byId,
  namespaces,
  grants,
  deployedPods,
  policiesByTarget,
];

/** The VirtualServices of single routes, by the key under which Istio merges them. */
const routesByKey: DerivedIndex<VirtualService> = { kind: 'derived', name: 'routes by key', compare: mergedFirst };

/** The kind of a resource, and the resource, of an identity. */
function find<K extends Kind>(reader: Resources, kind: K, ref: Omit<ResourceRef, 'kind'>): ResourceOf<K> | undefined {
  const found = reader.first(byId, idOf({ kind, namespace: ref.namespace, name: ref.name }));
  return found !== undefined && isOfKind(found, kind) ? found : undefined;
}

/** The annotation of a policy that is meant for another controller than Istio. Source: backend_policies.go `IgnorePolicyAttachment`. */
const ignoredBy = 'istio.io/ignore-policy-attachment';

/** The identities of what a policy is about; of one that Istio is to ignore, nothing. */
function targetsOf({ spec, metadata }: ResourceOf<'BackendTLSPolicy'>): Iterable<string> {
  if (metadata.annotations[ignoredBy]?.toLowerCase() === 'true') return [];
  const targets = (spec.targetRefs ?? []).flatMap((reference) => {
    const kind = targetKindOf(reference);
    return kind === undefined ? [] : [idOf({ kind, namespace: metadata.namespace, name: reference.name ?? '' })];
  });
  return new Set(targets);
}

/** Everything that Istio generates from one resource (the argument is its identity), alone or as the first of several. */
function generatedQuery(
  config: MeshConfig,
  listeners: Query<Resource, readonly Listener[]>,
  routes: Query<Resource, readonly GeneratedRoute[]>,
): Query<Resource, readonly ModelObject[]> {
  return {
    name: 'generated objects',
    level: 2,
    rootsOf: (resource) => (generatingKinds.has(resource.kind) ? [idOf(refOf(resource))] : []),
    compute(reader, id) {
      const resource = reader.first(byId, id);
      switch (resource?.kind) {
        case undefined:
          return [];
        case 'KubernetesGateway':
          return [...listening(reader.value(listeners, id)), ...deployed(reader, resource, config)];
        case 'ListenerSet':
          return listening(reader.value(listeners, id));
        case 'BackendTLSPolicy':
          return originating(reader, resource, config);
        default:
          return routing(reader, id, reader.value(routes, id));
      }
    },
  };
}

/** The listeners of a Gateway or ListenerSet (the argument is its identity). */
function listenersQuery(config: MeshConfig): Query<Resource, readonly Listener[]> {
  return {
    name: 'listeners',
    level: 0,
    compute(reader, id) {
      const source = reader.first(byId, id);
      const surroundings = listenerSurroundings(reader);
      if (source?.kind === 'KubernetesGateway') return readListeners(source, source, surroundings, config);
      if (source?.kind !== 'ListenerSet') return [];
      const { group = gatewayGroup, kind = 'Gateway', namespace, name = '' } = source.spec.parentRef ?? {};
      if (group !== gatewayGroup || kind !== 'Gateway') return [];
      const own = source.metadata.namespace;
      const gateway = find(reader, 'KubernetesGateway', { namespace: namespace ?? own, name });
      if (gateway === undefined || !admitsListenerSet(gateway, own, surroundings)) return [];
      return readListeners(source, gateway, surroundings, config);
    },
  };
}

/** The VirtualServices of a route (the argument is its identity) before they are merged with those of others. */
function routesQuery(
  config: MeshConfig,
  listeners: Query<Resource, readonly Listener[]>,
): Query<Resource, readonly GeneratedRoute[]> {
  return {
    name: 'routes',
    level: 1,
    rootsOf: (resource) => (isRoute(resource) ? [idOf(refOf(resource))] : []),
    compute(reader, id) {
      const route = reader.first(byId, id);
      if (route === undefined || !isRoute(route)) return [];
      const surroundings = {
        listenersOf: (parent: ParentId) => reader.value(listeners, idOf(parent)),
        hostsOf: (parent: ParentId) => targetOf(reader, parent, config)?.hosts,
        isBackendGranted: (kind: Kind, from: string, to: string, name: string) =>
          isGranted(reader, { kind, namespace: from }, { kind: 'Service', namespace: to, name }),
      };
      return generateRoutes(route, surroundings, config);
    },
    contribute(generated, _id, contribute) {
      for (const { key, virtualService } of generated) contribute(routesByKey, key, virtualService);
    },
  };
}

function isRoute(resource: Resource): resource is Route {
  return routeKinds.some((kind) => kind === resource.kind);
}

function listenerSurroundings(reader: Resources): ListenerSurroundings {
  return {
    namespacesWith: (selector) => {
      const known = reader.entries(namespaces, '').map(({ metadata }) => [metadata.name, metadata.labels] as const);
      return matchesLabels(selector, known);
    },
    isSecretGranted: (kind: ListenerSource['kind'], from, to, name) =>
      isGranted(reader, { kind, namespace: from }, { kind: 'Secret', namespace: to, name }),
  };
}

/** True when a ReferenceGrant lets one refer to the other. Source: config/kube/gatewaycommon/references.go. */
function isGranted(
  reader: Resources,
  from: { readonly kind: Kind; readonly namespace: string },
  to: { readonly kind: 'Service' | 'Secret'; readonly namespace: string; readonly name: string },
): boolean {
  const kind = from.kind === 'KubernetesGateway' ? 'Gateway' : from.kind;
  return reader
    .entries(grants, to.namespace)
    .some(
      ({ spec }) =>
        (spec.from ?? []).some(
          (other) => other.group === gatewayGroup && other.kind === kind && other.namespace === from.namespace,
        ) &&
        (spec.to ?? []).some(
          ({ group = '', kind: granted, name }) =>
            group === '' && granted === to.kind && (name === undefined || name === to.name),
        ),
    );
}

/** The hosts and ports of a ServiceEntry or Service. */
function targetOf(
  reader: Resources,
  { kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string },
  { clusterDomain }: MeshConfig,
): PolicyTarget | undefined {
  if (kind === 'ServiceEntry') {
    const entry = find(reader, kind, { namespace, name });
    const ports = (entry?.spec.ports ?? []).map((port) => ({ name: port.name ?? '', number: port.number ?? 0 }));
    return entry && { hosts: entry.spec.hosts ?? [], ports };
  }
  const service = find(reader, 'Service', { namespace, name });
  const ports = (service?.spec.ports ?? []).map((port) => ({ name: port.name ?? '', number: port.port }));
  return service && { hosts: [`${name}.${namespace}.svc.${clusterDomain}`], ports };
}

function listening(listeners: readonly Listener[]): readonly ModelObject[] {
  return listeners.flatMap(({ served }) =>
    served === undefined ? [] : [{ services: [], servers: [served.server], binding: served.binding }],
  );
}

/** The Service and the pods of a Gateway that Istio deploys, each until it is there. */
function deployed(
  reader: Resources,
  gateway: ResourceOf<'KubernetesGateway'>,
  config: MeshConfig,
): readonly ModelObject[] {
  const managed: ManagedGateway | undefined = managedGateway(gateway);
  if (managed === undefined) return [];
  const { namespace, name } = gateway.metadata;
  const missing: Resource[] = [];
  if (find(reader, 'Service', managed.service.metadata) === undefined) missing.push(managed.service);
  if (reader.first(deployedPods, `${namespace}|${name}`) === undefined) missing.push(managed.workload);
  return missing.map((resource) => toModelObject(resource, config));
}

/** The merged VirtualServices of which a route is the first. */
function routing(reader: Resources, id: string, routes: readonly GeneratedRoute[]): readonly ModelObject[] {
  const keys = [...new Set(routes.map(({ key }) => key))].sort(compareText);
  return keys.flatMap((key) => {
    const parts = reader.entries(routesByKey, key);
    const [first] = parts;
    if (first === undefined || idOf(refOf(first.resource)) !== id) return [];
    const virtualService = mergeRoutes(parts);
    return virtualService === undefined ? [] : [{ services: [], servers: [], virtualService }];
  });
}

/** The DestinationRules for what a policy is the oldest about. */
function originating(
  reader: Resources,
  policy: ResourceOf<'BackendTLSPolicy'>,
  config: MeshConfig,
): readonly ModelObject[] {
  const id = idOf(refOf(policy));
  return (policy.spec.targetRefs ?? []).flatMap((reference, place, all) => {
    const kind = targetKindOf(reference);
    const { name = '' } = reference;
    const isRepeated = all.findIndex((other) => targetKindOf(other) === kind && other.name === name) !== place;
    if (kind === undefined || isRepeated) return [];
    const ref = { kind, namespace: policy.metadata.namespace, name };
    const policies = reader.entries(policiesByTarget, idOf(ref));
    const target = targetOf(reader, ref, config);
    const [oldest] = policies;
    if (target === undefined || oldest === undefined || idOf(refOf(oldest)) !== id) return [];
    return generateDestinationRules(policies, kind, name, target).map((destinationRule) => ({
      services: [],
      servers: [],
      destinationRule,
    }));
  });
}
