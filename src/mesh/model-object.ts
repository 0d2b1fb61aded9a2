import { type CompiledPolicy, compilePolicy } from '../istio/authorization.ts';
import { type DestinationRule, readDestinationRule } from '../istio/destination-rule.ts';
import type { GatewayBinding } from '../istio/gateway-api-listeners.ts';
import { type GatewayServer, readServers } from '../istio/gateway-server.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import { keptIdOf, type Resource } from '../istio/resources.ts';
import { type MeshService, servicesOf } from '../istio/service.ts';
import { readSidecar, type SidecarScope } from '../istio/sidecar.ts';
import { readVirtualService, type VirtualService } from '../istio/virtual-service.ts';
import type { Inventory } from './inventory.ts';

/** A resource with everything that Istio reads out of it alone, or one thing that it generates from several. */
export interface ModelObject {
  /** Absent in the one object that carries the mesh's facts, and in what Istio generates from resources. */
  readonly resource?: Resource;
  /** The identity of the resource, `Kind namespace/name`: one string for all that keep it. */
  readonly id?: string;
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
  const id = keptIdOf(resource);
  const [services, servers] = [none, none];
  // Literals, as what a spread adds to an object takes a list of its own.
  switch (resource.kind) {
    case 'ServiceEntry':
    case 'Service':
      return { resource, id, services: servicesOf(resource, config), servers };
    case 'VirtualService':
      return { resource, id, services, servers, virtualService: readVirtualService(resource, config) };
    case 'DestinationRule':
      return { resource, id, services, servers, destinationRule: readDestinationRule(resource, config) };
    case 'Gateway':
      return { resource, id, services, servers: readServers(resource) };
    case 'Sidecar':
      return { resource, id, services, servers, sidecar: readSidecar(resource, config.rootNamespace) };
    case 'AuthorizationPolicy':
      return { resource, id, services, servers, policy: compilePolicy(resource, config) };
    default:
      return { resource, id, services, servers };
  }
}

/** The object that carries the mesh's facts. */
export function factsObject(facts: MeshFacts): ModelObject {
  return { facts, services: none, servers: none };
}
