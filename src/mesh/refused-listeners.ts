import { sectionOf } from '../istio/protocol.ts';
import type { ClientView } from './client-view.ts';
import type { DerivedIndex, Query } from './engine.ts';
import {
  blocksNamedBy,
  blocksOfMatches,
  blocksOfService,
  everything,
  meshVirtualServicesByBlock,
  meshVirtualServicesBySni,
  snisOfMatches,
  tcpServicesByBlock,
  tlsServicesByName,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import type { SidecarListener } from './port-listeners.ts';
import { type FilterChain, type TlsChain, tlsChainsNamed } from './sidecar-listeners.ts';
import { type TcpChain, tcpChainsOn } from './tcp-chains.ts';

/** What several filter chains of a sidecar's listener claim, or one does twice. */
export interface RefusedClaim {
  /** A server name in lower case, or a block of addresses (empty: every address). */
  readonly kind: 'name' | 'block';
  readonly text: string;
}

/** What is claimed, and the listener for which it matters, as messages tell them. */
export function claimInWords({ kind, text }: RefusedClaim): { readonly what: string; readonly listener: string } {
  return { what: text === '' ? 'every address' : `'${text}'`, listener: kind === 'name' ? 'TLS listener' : 'listener' };
}

/** A listener that Envoy refuses. */
export interface RefusedListener {
  readonly claim: RefusedClaim;
  readonly chains: readonly FilterChain[];
}

/** Names that several TLS chains of sidecars may claim in different lists; there are none in a sound mesh. */
const contestedNames: DerivedIndex<string> = {
  kind: 'derived',
  name: 'contested TLS names',
  compare: (a, b) => (a < b ? -1 : 1),
};

/** Whether a name (the argument) occurs in lists that are not the same. */
export const contestedTlsNames: Query<ModelObject, boolean> = {
  name: 'contested TLS names',
  level: 1,
  *rootsOf({ virtualService, services }) {
    if (virtualService !== undefined) yield* snisOfMatches(virtualService);
    for (const service of services)
      if (service.ports.some((port) => sectionOf(port.protocol) === 'tls')) yield service.host.toLowerCase();
  },
  compute(reader, name) {
    const claims = new Set(reader.entries(tlsServicesByName, name).map((service) => service.host));
    for (const virtualService of reader.entries(meshVirtualServicesBySni, name)) {
      for (const { sniHosts } of virtualService.tls.flatMap((rule) => rule.matches)) {
        const spellings = sniHosts.filter((host) => host.toLowerCase() === name);
        if (spellings.length > 1) return true;
        if (spellings.length === 1) claims.add(sniHosts.join(','));
      }
    }
    return claims.size > 1;
  },
  contribute(isContested, name, contribute) {
    if (isContested) contribute(contestedNames, everything, name);
  },
};

/** Blocks of addresses that several chains for bytes may claim; there are none in a sound mesh. */
const contestedBlocks: DerivedIndex<string> = {
  kind: 'derived',
  name: 'contested blocks',
  compare: (a, b) => (a < b ? -1 : 1),
};

/** Whether a block (the argument; empty: every address) is named more than once. */
export const contestedTcpBlocks: Query<ModelObject, boolean> = {
  name: 'contested blocks',
  level: 1,
  *rootsOf({ virtualService, services }) {
    if (virtualService !== undefined) yield* blocksOfMatches(virtualService);
    for (const service of services) yield* blocksOfService(service);
  },
  compute(reader, block) {
    let claims = reader.entries(tcpServicesByBlock, block).length;
    for (const { tcp } of reader.entries(meshVirtualServicesByBlock, block))
      for (const match of tcp.flatMap((rule) => rule.matches))
        claims += blocksNamedBy(match).filter((named) => named === block).length;
    return claims > 1;
  },
  contribute(isContested, block, contribute) {
    if (isContested) contribute(contestedBlocks, everything, block);
  },
};

/**
 * The client's listener of a port and address if Envoy refuses it: two of its chains claim the same, or one does twice. A fresh proxy then
 * has no such listener. Source: Envoy's check for filter chains with the same matching rules.
 */
export function refusedListener(client: ClientView, place: SidecarListener): RefusedListener | undefined {
  for (const text of client.reader.entries(contestedNames, everything)) {
    const chains = tlsChainsNamed(client, place, text);
    const isTwice = ({ serverNames }: TlsChain): boolean =>
      serverNames.filter((host) => host.toLowerCase() === text).length > 1;
    if (chains.length > 1 || chains.some(isTwice)) return { claim: { kind: 'name', text }, chains };
  }
  for (const text of client.reader.entries(contestedBlocks, everything)) {
    const chains = tcpChainsOn(client, place, text);
    const isTwice = ({ blocks }: TcpChain): boolean => blocks.filter((block) => block === text).length > 1;
    if (chains.length > 1 || chains.some(isTwice)) return { claim: { kind: 'block', text }, chains };
  }
  return undefined;
}
