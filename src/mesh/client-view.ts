import type { OutboundTrafficPolicy } from '../istio/mesh-config.ts';
import type { Labels } from '../istio/resources.ts';
import { defaultSidecarScope, type SidecarScope, sidecarSelector } from '../istio/sidecar.ts';
import type { Viewer } from '../istio/viewer.ts';
import type { Query } from './engine.ts';
import { everything, factsOf, type MeshReader, sidecarNamespaces, sidecarsByNamespace } from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import type { ScopeAnswers } from './scope-answers.ts';

/** A sidecar that looks at the mesh. */
export interface ClientView extends Viewer {
  readonly reader: MeshReader;
  readonly scope: SidecarScope;
  /** Keeps what was asked about the scope; absent where nobody wants to know. */
  readonly answers?: ScopeAnswers;
}

/** A Sidecar scope and the namespaces whose pods it serves by default; `namespaces` undefined: all others. */
export interface ScopeGroup {
  readonly scope: SidecarScope;
  readonly namespaces?: readonly string[];
}

/** What the sidecar does with traffic to destinations that it does not know. */
export function outboundTrafficPolicyOf(client: ClientView): OutboundTrafficPolicy {
  return client.scope.outboundTrafficPolicy ?? factsOf(client.reader).config.outboundTrafficPolicy;
}

/**
 * The scope of a pod: the oldest Sidecar of its namespace that selects it, else the namespace's own, else the mesh's.
 * Source: pilot/pkg/model/push_context.go `doGetSidecarScope`.
 */
export function scopeOf(reader: MeshReader, namespace: string, hasLabels: (selector: Labels) => boolean): SidecarScope {
  for (const scope of reader.entries(sidecarsByNamespace, namespace)) {
    const selector = scope.resource === undefined ? undefined : sidecarSelector(scope.resource);
    if (selector === undefined || hasLabels(selector)) return scope;
  }
  return meshScope(reader);
}

/** What namespaces as a whole are asked with: of their pods those count that no selector picks. */
export function hasNoLabels(selector: Labels): boolean {
  return Object.keys(selector).length === 0;
}

/** The scope of namespaces without a Sidecar: the root namespace's one without a selector. */
export function meshScope(reader: MeshReader): SidecarScope {
  const { rootNamespace } = factsOf(reader).config;
  const scopes = reader.entries(sidecarsByNamespace, rootNamespace);
  return scopes.find((scope) => scope.resource?.spec.workloadSelector === undefined) ?? defaultSidecarScope;
}

/** The default scope with a key (the argument), if any namespace has it: what concerns one scope does not ask for all of them. */
export const scopeWithKey: Query<ModelObject, SidecarScope | undefined> = {
  name: 'Sidecar scope with a key',
  level: 2,
  compute: (reader, key) => reader.value(scopeGroups, everything).find(({ scope }) => scope.key === key)?.scope,
};

/** The Sidecars for some pods of a namespace. */
export interface PodScopes {
  readonly namespace: string;
  readonly scopes: readonly SidecarScope[];
}

/** The namespaces with Sidecars that select pods by labels. */
export const podScopes: Query<ModelObject, readonly PodScopes[]> = {
  name: 'Sidecar scopes of pods',
  level: 1,
  compute: (reader) =>
    reader.distinct(sidecarNamespaces, everything).flatMap((namespace) => {
      const scopes = reader.entries(sidecarsByNamespace, namespace).filter(({ resource }) => {
        return resource !== undefined && !hasNoLabels(sidecarSelector(resource) ?? {});
      });
      return scopes.length === 0 ? [] : [{ namespace, scopes }];
    }),
};

/** The default scopes of all namespaces, equal ones together: two hundred namespaces with the same Sidecar are one group. */
export const scopeGroups: Query<ModelObject, readonly ScopeGroup[]> = {
  name: 'Sidecar scopes',
  level: 1,
  compute(reader) {
    const mesh = meshScope(reader);
    const groups = new Map<string, { scope: SidecarScope; namespaces: string[] }>();
    for (const namespace of reader.distinct(sidecarNamespaces, everything)) {
      const scope = scopeOf(reader, namespace, hasNoLabels);
      if (scope.key === mesh.key) continue;
      const group = groups.get(scope.key) ?? { scope, namespaces: [] };
      group.namespaces.push(namespace);
      groups.set(scope.key, group);
    }
    return [{ scope: mesh }, ...groups.values()];
  },
};
