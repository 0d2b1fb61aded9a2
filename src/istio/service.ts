import { fqdn } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import { kubernetesProtocol, type Protocol, parseProtocol } from './protocol.ts';
import { compareAge, compareText, type Labels, type Resource, type ResourceOf } from './resources.ts';
import { type Visibility, visibilityOf } from './visibility.ts';

/** How proxies find the endpoints of a service. Source: pilot/pkg/model/service.go `Resolution`. */
type Resolution = 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS' | 'ALIAS';

/** A port that clients call. */
export interface MeshPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: Protocol;
  /** The port that is dialled; a name refers to a container port. */
  readonly targetPort: number | string;
}

/** An endpoint written into a ServiceEntry. */
interface Endpoint {
  readonly address: string;
  readonly labels: Labels;
  /** Port numbers by port name; others keep the service's target port. */
  readonly ports: Readonly<Record<string, number>>;
}

/** One host name that proxies know: a Kubernetes Service, or one host of a ServiceEntry. */
export interface MeshService {
  readonly resource: ResourceOf<'Service'> | ResourceOf<'ServiceEntry'>;
  readonly host: string;
  readonly namespace: string;
  readonly ports: readonly MeshPort[];
  readonly resolution: Resolution;
  readonly isExternal: boolean;
  readonly visibility: Visibility;
  /** The IP addresses (or CIDR blocks) that it is called by; empty: `0.0.0.0`. */
  readonly addresses: readonly string[];
  readonly endpoints: readonly Endpoint[];
  /** Selects pods (Service) or WorkloadEntries (ServiceEntry). */
  readonly selector?: Labels;
  readonly subjectAltNames: readonly string[];
}

/** True for a Kubernetes Service, which outranks every ServiceEntry of the same host. */
export function isKubernetes(service: MeshService): boolean {
  return service.resource.kind === 'Service';
}

/**
 * Orders services oldest first; of the same age, by host (ServiceEntry) or name (Kubernetes), then namespace.
 * Source: pilot/pkg/model/push_context.go `SortServicesByCreationTime`.
 */
export function olderServiceFirst(a: MeshService, b: MeshService): number {
  return (
    compareAge(a.resource.metadata, b.resource.metadata) ||
    compareText(sortName(a), sortName(b)) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.resource.metadata.name, b.resource.metadata.name)
  );
}

function sortName(service: MeshService): string {
  return isKubernetes(service) ? service.resource.metadata.name : service.host;
}

/** The services that a resource adds to the registry: one per host. Source: serviceentry/conversion.go `convertServices`. */
export function servicesOf(resource: Resource, config: MeshConfig): readonly MeshService[] {
  if (resource.kind === 'ServiceEntry') return serviceEntryServices(resource, config);
  if (resource.kind === 'Service') return [kubernetesService(resource, config)];
  return [];
}

function serviceEntryServices(entry: ResourceOf<'ServiceEntry'>, config: MeshConfig): readonly MeshService[] {
  const { spec, metadata } = entry;
  const shared = {
    resource: entry,
    namespace: metadata.namespace,
    ports: (spec.ports ?? []).map((port) => ({
      number: port.number ?? 0,
      name: port.name ?? '',
      protocol: parseProtocol(port.protocol),
      targetPort: port.targetPort !== undefined && port.targetPort !== 0 ? port.targetPort : (port.number ?? 0),
    })),
    resolution: spec.resolution ?? 'NONE',
    isExternal: (spec.location ?? 'MESH_EXTERNAL') === 'MESH_EXTERNAL',
    visibility: visibilityOf(spec.exportTo, config.defaultServiceExportTo, metadata.namespace),
    addresses: (spec.addresses ?? []).map((address) => address.replace(/\/(32|128)$/, '')),
    endpoints: (spec.endpoints ?? []).map((endpoint) => ({
      address: endpoint.address ?? '',
      labels: endpoint.labels ?? {},
      ports: endpoint.ports ?? {},
    })),
    ...(spec.workloadSelector === undefined ? {} : { selector: spec.workloadSelector.labels ?? {} }),
    subjectAltNames: spec.subjectAltNames ?? [],
  } as const;
  return (spec.hosts ?? []).map((host) => ({ ...shared, host }));
}

/** Source: pilot/pkg/serviceregistry/kube/conversion.go `ConvertService`. */
function kubernetesService(service: ResourceOf<'Service'>, config: MeshConfig): MeshService {
  const { spec, metadata } = service;
  const isAlias = spec.type === 'ExternalName' && (spec.externalName ?? '') !== '';
  const isHeadless = spec.clusterIP === 'None';
  const exportTo = metadata.annotations['networking.istio.io/exportTo']?.split(',').map((name) => name.trim());
  return {
    resource: service,
    host: fqdn(metadata.name, metadata.namespace, config.clusterDomain),
    namespace: metadata.namespace,
    ports: (spec.ports ?? []).map((port) => ({
      number: port.port,
      name: port.name ?? '',
      protocol: kubernetesProtocol(port),
      targetPort: port.targetPort ?? port.port,
    })),
    resolution: isAlias ? 'ALIAS' : isHeadless ? 'NONE' : 'STATIC',
    isExternal: false,
    visibility: visibilityOf(exportTo, config.defaultServiceExportTo, metadata.namespace),
    addresses: isHeadless || isAlias ? [] : [spec.clusterIP ?? `cluster-ip.${metadata.name}.${metadata.namespace}`],
    endpoints: [],
    ...(spec.selector === undefined ? {} : { selector: spec.selector }),
    subjectAltNames: [],
  };
}
