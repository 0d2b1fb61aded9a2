import { selectsNamespace } from './label-selector.ts';
import type { MeshConfig } from './mesh-config.ts';
import { type Kind, type Labels, type Resource, routeKinds } from './resources.ts';

/** Kinds of Istio's and the Gateway API's configuration: their label says which control plane they are for. */
const revisionedKinds: ReadonlySet<Kind> = new Set<Kind>([
  'ServiceEntry',
  'WorkloadEntry',
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'Sidecar',
  'AuthorizationPolicy',
  'PeerAuthentication',
  'KubernetesGateway',
  'ListenerSet',
  'BackendTLSPolicy',
  ...routeKinds,
]);

/** Which resources the control plane looks at. */
export interface Discovery {
  readonly config: Pick<MeshConfig, 'discoverySelectors'>;
  /** The control plane's revision; empty: `default`, as its charts have it. */
  readonly revision: string;
  /** The labels of a namespace; undefined where nothing is known of it, and it is taken to be looked at. */
  labelsOf(namespace: string): Labels | undefined;
}

/**
 * True for a resource that exists for istiod: its namespace is selected, and it is not for another revision.
 * Source: pkg/kube/namespace/filter.go `discoveryNamespacesFilter.Filter`; pkg/config/model.go `LabelsInRevision`;
 * istio-discovery chart, `REVISION`.
 */
export function isDiscovered({ kind, metadata }: Resource, { config, revision, labelsOf }: Discovery): boolean {
  const wanted = metadata.labels['istio.io/rev'];
  if (wanted !== undefined && wanted !== (revision || 'default') && revisionedKinds.has(kind)) return false;
  const { discoverySelectors } = config;
  if (discoverySelectors.length === 0 || kind === 'Namespace' || kind === 'MeshConfig') return true;
  const labels = labelsOf(metadata.namespace);
  return (
    labels === undefined ||
    discoverySelectors.some((selector) => selectsNamespace(selector, metadata.namespace, labels))
  );
}
