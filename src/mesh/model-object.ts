import { type CompiledPolicy, compilePolicy } from '../istio/authorization.ts';
import { type DestinationRule, readDestinationRule } from '../istio/destination-rule.ts';
import type { GatewayBinding } from '../istio/gateway-api-listeners.ts';
import { type GatewayServer, readServers } from '../istio/gateway-server.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import type { Resource } from '../istio/resources.ts';
import { type MeshService, servicesOf } from '../istio/service.ts';
import { readSidecar, type SidecarScope } from '../istio/sidecar.ts';
import { readVirtualService, type VirtualService } from '../istio/virtual-service.ts';
import type { Inventory } from './inventory.ts';

/** A resource with everything that Istio reads out of it alone, or one thing that it generates from several. */
export interface ModelObject {
  /** Absent in the one object that carries the mesh's facts, and in what Istio generates from resources. */
  readonly resource?: Resource;
  readonly facts?: MeshFacts;
  readonly services: readonly MeshService[];
  readonly servers: readonly GatewayServer[];
  /** The pods that the servers are on, where a listener of the Gateway API says so. */
  readonly binding?: GatewayBinding;
  readonly virtualService?: VirtualService;
  readonly destinationRule?: DestinationRule;
  readonly sidecar?: SidecarScope;
  readonly policy?: CompiledPolicy;
}

/** What holds for the mesh as a whole. A change of it is a new model. */
export interface MeshFacts {
  readonly config: MeshConfig;
  /** The identity of the ConfigMap that the configuration is read from; absent where there is none. */
  readonly configMap?: string;
  readonly inventory: Inventory;
}

const none: readonly never[] = [];

/** Reads a resource as istiod does, once. */
export function toModelObject(resource: Resource, config: MeshConfig): ModelObject {
  const empty = { resource, services: none, servers: none };
  switch (resource.kind) {
    case 'ServiceEntry':
    case 'Service':
      return { ...empty, services: servicesOf(resource, config) };
    case 'VirtualService':
      return { ...empty, virtualService: readVirtualService(resource, config) };
    case 'DestinationRule':
      return { ...empty, destinationRule: readDestinationRule(resource, config) };
    case 'Gateway':
      return { ...empty, servers: readServers(resource) };
    case 'Sidecar':
      return { ...empty, sidecar: readSidecar(resource, config.rootNamespace) };
    case 'AuthorizationPolicy':
      return { ...empty, policy: compilePolicy(resource, config) };
    default:
      return empty;
  }
}

/** The object that carries the mesh's facts. */
export function factsObject(facts: MeshFacts): ModelObject {
  return { facts, services: none, servers: none };
}
