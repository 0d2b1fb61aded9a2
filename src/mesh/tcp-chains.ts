import { blockAround, blocksOf } from '../istio/address.ts';
import type { MeshService } from '../istio/service.ts';
import { type StreamRule, streamMatchApplies } from '../istio/virtual-service.ts';
import type { ClientView } from './client-view.ts';
import { blockLengths, everything, meshVirtualServicesByBlock, tcpServicesByBlock } from './indexes.ts';
import { isFirstOn, isForAll, type SidecarListener } from './port-listeners.ts';
import { hostsOverlapping, listenerServices, precedes, type SeenService } from './services.ts';
import { type FilterChain, hasTcpChains, tcpOwner } from './sidecar-listeners.ts';
import { overlappingVirtualServices } from './virtual-services.ts';

/** A sidecar's filter chain for bytes; with a `field`, destination subnets of its rule say what it takes. */
export interface TcpChain extends FilterChain {
  /** The blocks of addresses that it takes, as `blocksOf` writes them; empty: every address. */
  readonly blocks: readonly string[];
}

/**
 * The chains that one service has on a listener, in their order: a rule for every address is the last, else one for the service itself is.
 * Source: core/tls.go `buildSidecarOutboundTCPFilterChainOpts`.
 */
function tcpChainsOf(
  client: ClientView,
  { listener, port, address }: SidecarListener,
  seen: SeenService,
): readonly TcpChain[] {
  const own = ownBlocksOf(address);
  const last = { blocks: blocksOf(own), seen };
  const chains: TcpChain[] = [];
  let hasLast = false;
  for (const rule of overlappingVirtualServices(client, listener, seen.service.host).flatMap(({ tcp }) => tcp)) {
    if (rule.destinations.length === 0) continue;
    if (takesEveryAddress(rule, client, port)) return [...chains, { ...last, rule }];
    const matches = rule.matches.filter((match) => streamMatchApplies(match, client, port));
    const [first] = matches;
    if (first === undefined) continue;
    const subnets = matches.flatMap((match) => match.destinationSubnets);
    chains.push({ blocks: blocksOf(subnets), rule, field: `${first.field}.destinationSubnets`, seen });
    hasLast ||= subnets.length === own.length && subnets[0] === own[0];
  }
  return hasLast ? chains : [...chains, last];
}

/** The block by which a service is recognised, if it is by one. */
function ownBlocksOf(address: string): readonly string[] {
  return address !== everything && isForAll(address) ? [address] : [];
}

function takesEveryAddress(rule: StreamRule, client: ClientView, port: number): boolean {
  if (rule.matches.length === 0) return true;
  return rule.matches.some((match) => match.destinationSubnets.length === 0 && streamMatchApplies(match, client, port));
}

/** The chain of a service for what none of its destination subnets names more closely. */
export function lastTcpChainOf(client: ClientView, place: SidecarListener, seen: SeenService): TcpChain {
  const chains = tcpChainsOf(client, place, seen);
  const own = blocksOf(ownBlocksOf(place.address));
  return chains.find(({ blocks }) => isSameSet(blocks, own)) ?? { blocks: own, seen };
}

/** The chain that takes an address by the longest of the blocks that chains of a listener name, and how long that is. */
export function closestTcpChain(
  client: ClientView,
  place: SidecarListener,
  address: string,
): { readonly chain: TcpChain; readonly prefix: number } | undefined {
  const lengths = [...client.reader.distinct(blockLengths, everything)].map(Number);
  for (const prefix of lengths.toSorted((a, b) => b - a)) {
    const block = prefix === 0 ? everything : blockAround(address, prefix);
    const [chain] = block === undefined ? [] : tcpChainsOn(client, place, block);
    if (chain !== undefined) return { chain, prefix };
  }
  return undefined;
}

/**
 * The chains of all services on a listener that name a block, or (empty) every address. Of two that take just the same, istiod leaves out
 * the second, but not where both are of the service that it came to first. A chain that names nothing takes what is left.
 * Source: core/listener.go `mergeTCPFilterChains`, `buildListenerFromEntry`.
 */
export function tcpChainsOn(client: ClientView, place: SidecarListener, block: string): readonly TcpChain[] {
  const kept: TcpChain[] = [];
  for (const [index, part] of tcpPartsOn(client, place, block).entries()) {
    const isUnmerged = index === 0 && isFirstOn(client, place, part.seen);
    for (const chain of tcpChainsOf(client, part.place, part.seen))
      if (isUnmerged || !kept.some(({ blocks }) => isSameSet(blocks, chain.blocks))) kept.push(chain);
  }
  return kept.filter(({ blocks, field }) =>
    block === everything ? blocks.length === 0 && field !== undefined : blocks.includes(block),
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.every((block) => b.includes(block)) && b.every((block) => a.includes(block));
}

/** What istiod adds to a listener at once: the chains of one service for one of its addresses. */
interface ListenerPart {
  readonly seen: SeenService;
  readonly place: SidecarListener;
}

/** The parts of a listener one of whose chains may take a block, as istiod comes to them. */
function tcpPartsOn(client: ClientView, place: SidecarListener, block: string): readonly ListenerPart[] {
  const { listener } = place;
  const { reader } = client;
  const names = reader.entries(meshVirtualServicesByBlock, block).flatMap((virtualService) => virtualService.hosts);
  const hosts = new Set(names.flatMap((name) => [...hostsOverlapping(reader, name)]));
  for (const { host } of reader.entries(tcpServicesByBlock, block)) hosts.add(host);
  const owner = block === everything ? tcpOwner(client, { ...place, address: everything }) : undefined;
  if (owner !== undefined) hosts.add(owner.service.host);
  const found = [...hosts].flatMap((host) => listenerServices(client, listener, host));
  const ordered = found.toSorted((a, b) => (precedes(listener, a.service, b.service) ? -1 : 1));
  return ordered.flatMap((seen) =>
    addressesOn(place, seen.service)
      .map((address) => ({ seen, place: { ...place, address } }))
      .filter((part) => hasTcpChains(client, part.place, seen)),
  );
}

/** By which a service is recognised on a listener: an address or each of its blocks, or (empty) nothing. */
function addressesOn({ address }: SidecarListener, { addresses }: MeshService): readonly string[] {
  if (!isForAll(address)) return addresses.filter((one) => one === address);
  return addresses.length === 0 ? [everything] : addresses.filter(isForAll);
}
