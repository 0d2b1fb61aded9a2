import { covers } from '../istio/hosts.ts';
import type { Labels } from '../istio/resources.ts';

/** What the settings say about gateways, clients and external hosts. */
export interface Inventory {
  /** Which workloads are egress gateways; empty: every gateway workload that a mesh route for an external host leads to. */
  readonly egressGateways: readonly { readonly namespace: string; readonly selector: Labels }[];
  /** Namespaces with sidecars that carry no injection label. */
  readonly clients: readonly string[];
  /** Namespaces whose cluster Services count as external hosts. */
  readonly externalNamespaces: readonly string[];
  /** External hosts (or wildcards) that may be reached without the gateway. */
  readonly directHosts: readonly string[];
}

/** True for an external host (lower case) that may be reached without the gateway. */
export function isDirectHost({ directHosts }: Inventory, host: string): boolean {
  return directHosts.some((pattern) => covers(pattern.toLowerCase(), host));
}
