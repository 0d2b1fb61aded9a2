import type { LabelSelector, LabelSelectorRequirement } from './resources.gen.ts';
import type { MeshConfigSpec } from './resources.ts';

/** What a proxy does with traffic to destinations that it does not know. */
export type OutboundTrafficPolicy = 'ALLOW_ANY' | 'REGISTRY_ONLY' | 'ALLOW_ANY_DYNAMIC_DNS';

/** The mesh-wide settings that change an outcome, with Istio's defaults. Source: pkg/config/mesh/mesh.go `DefaultMeshConfig`. */
export interface MeshConfig {
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /** Suffix of service names: `cluster.local`. Not part of Istio's MeshConfig but of istiod's `--domain`. */
  readonly clusterDomain: string;
  readonly outboundTrafficPolicy: OutboundTrafficPolicy;
  readonly enableAutoMtls: boolean;
  readonly defaultServiceExportTo: readonly string[];
  readonly defaultVirtualServiceExportTo: readonly string[];
  readonly defaultDestinationRuleExportTo: readonly string[];
  /** istiod's `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`: Gateways select pods of their own namespace only. */
  readonly scopeGatewayToNamespace: boolean;
  /** Which namespaces istiod looks at, by their labels; empty: all. */
  readonly discoverySelectors: readonly LabelSelector[];
  /** The external authorizers among `extensionProviders`, by name; undefined where the mesh's configuration is not known. */
  readonly authorizers: ReadonlyMap<string, 'http' | 'grpc'> | undefined;
}

/** Istio's defaults for a mesh whose control plane lives in `rootNamespace`. */
export function defaultMeshConfig(rootNamespace: string): MeshConfig {
  return {
    rootNamespace,
    trustDomain: 'cluster.local',
    trustDomainAliases: [],
    clusterDomain: 'cluster.local',
    outboundTrafficPolicy: 'ALLOW_ANY',
    enableAutoMtls: true,
    defaultServiceExportTo: ['*'],
    defaultVirtualServiceExportTo: ['*'],
    defaultDestinationRuleExportTo: ['*'],
    scopeGatewayToNamespace: false,
    discoverySelectors: [],
    authorizers: undefined,
  };
}

/** Lays what `spec` (the ConfigMap's `mesh`, or the settings' overrides) says over `base`; ill-typed values are ignored. */
export function readMeshConfig(spec: MeshConfigSpec, base: MeshConfig): MeshConfig {
  const policy = field(spec, 'outboundTrafficPolicy');
  return {
    rootNamespace: text(spec, 'rootNamespace') ?? base.rootNamespace,
    trustDomain: text(spec, 'trustDomain') ?? base.trustDomain,
    trustDomainAliases: texts(spec, 'trustDomainAliases') ?? base.trustDomainAliases,
    clusterDomain: text(spec, 'clusterDomain') ?? base.clusterDomain,
    outboundTrafficPolicy: policy === undefined ? base.outboundTrafficPolicy : readOutboundTrafficPolicy(policy),
    enableAutoMtls: flag(spec, 'enableAutoMtls') ?? base.enableAutoMtls,
    defaultServiceExportTo: texts(spec, 'defaultServiceExportTo') ?? base.defaultServiceExportTo,
    defaultVirtualServiceExportTo: texts(spec, 'defaultVirtualServiceExportTo') ?? base.defaultVirtualServiceExportTo,
    defaultDestinationRuleExportTo:
      texts(spec, 'defaultDestinationRuleExportTo') ?? base.defaultDestinationRuleExportTo,
    scopeGatewayToNamespace: flag(spec, 'scopeGatewayToNamespace') ?? base.scopeGatewayToNamespace,
    discoverySelectors: objects(spec, 'discoverySelectors')?.map(readSelector) ?? base.discoverySelectors,
    authorizers: readAuthorizers(spec) ?? base.authorizers,
  };
}

/**
 * `outboundTrafficPolicy` without a mode is REGISTRY_ONLY, the enum's zero value.
 * Source: api mesh/v1alpha1/config.proto `MeshConfig.OutboundTrafficPolicy.Mode`.
 */
function readOutboundTrafficPolicy(policy: unknown): OutboundTrafficPolicy {
  const mode = typeof policy === 'object' && policy !== null ? field(policy, 'mode') : policy;
  return mode === 'ALLOW_ANY' || mode === 'ALLOW_ANY_DYNAMIC_DNS' ? mode : 'REGISTRY_ONLY';
}

/** Source: pilot/pkg/security/authz/builder/extauthz.go `processExtensionProvider`. */
function readAuthorizers(spec: MeshConfigSpec): MeshConfig['authorizers'] {
  const authorizers = objects(spec, 'extensionProviders')?.flatMap((provider): [string, 'http' | 'grpc'][] => {
    const name = text(provider, 'name') ?? '';
    if (field(provider, 'envoyExtAuthzHttp') !== undefined) return [[name, 'http']];
    return field(provider, 'envoyExtAuthzGrpc') === undefined ? [] : [[name, 'grpc']];
  });
  return authorizers && new Map(authorizers);
}

function readSelector(selector: object): LabelSelector {
  const labels = field(selector, 'matchLabels');
  const pairs = typeof labels === 'object' && labels !== null ? Object.entries(labels) : [];
  return {
    matchLabels: Object.fromEntries(pairs.filter(([, value]) => typeof value === 'string')),
    matchExpressions: (objects(selector, 'matchExpressions') ?? []).map(
      (requirement): LabelSelectorRequirement => ({
        key: text(requirement, 'key') ?? '',
        operator: text(requirement, 'operator') ?? '',
        values: texts(requirement, 'values') ?? [],
      }),
    ),
  };
}

function field(of: object, name: string): unknown {
  return Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined;
}

function text(of: object, name: string): string | undefined {
  const value = field(of, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function flag(of: object, name: string): boolean | undefined {
  const value = field(of, name);
  return typeof value === 'boolean' ? value : undefined;
}

function texts(of: object, name: string): readonly string[] | undefined {
  const value = field(of, name);
  if (!Array.isArray(value)) return undefined;
  return value.filter((item) => typeof item === 'string');
}

function objects(of: object, name: string): readonly object[] | undefined {
  const value = field(of, name);
  if (!Array.isArray(value)) return undefined;
  return value.filter((item) => typeof item === 'object' && item !== null);
}
