import ipaddr from 'ipaddr.js';

/** True for an IP address in full, as Go's `netip.ParseAddr` reads it; not for a block. */
export function isAddress(text: string): boolean {
  if (text.includes(':')) return ipaddr.IPv6.isValid(text);
  return /^[\d.]+$/.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
}

/**
 * The length of the prefix by which a block (`10.0.0.0/8`, or a single address) contains an address, else undefined. What is
 * no address, or a block itself, is in no block. Source: Envoy's filter chain match on `prefix_ranges`.
 */
export function prefixLength(block: string, address: string): number | undefined {
  if (!isAddress(address)) return undefined;
  const range = rangeOf(block);
  if (range === undefined) return undefined;
  const parsed = ipaddr.parse(address);
  if (parsed.kind() !== range[0].kind()) return undefined;
  return parsed.match(range) ? range[1] : undefined;
}

/**
 * Blocks as Envoy compares them: without the bits that do not count, each as often as it is written. What is no block is left out, and so is
 * `0.0.0.0`, for which istiod makes no condition. Source: core/listener.go `toFilterChainMatch`, `conflictsWith`.
 */
export function blocksOf(texts: readonly string[]): readonly string[] {
  const ranges = texts.map(rangeOf).filter((range) => range !== undefined);
  return ranges
    .filter(([address]) => address.toString() !== '0.0.0.0')
    .map(([address, length]) => blockOf(address, length));
}

/** The block of a length that an address is in, as `blocksOf` writes it; undefined: there is none. */
export function blockAround(address: string, length: number): string | undefined {
  const range = rangeOf(address);
  return range === undefined || length > range[1] ? undefined : blockOf(range[0], length);
}

function blockOf(address: Address, length: number): string {
  const { IPv4, IPv6 } = ipaddr;
  return `${(address.kind() === 'ipv4' ? IPv4 : IPv6).networkAddressFromCIDR(`${address}/${length}`)}/${length}`;
}

type Address = ReturnType<typeof ipaddr.parse>;

function rangeOf(block: string): [Address, number] | undefined {
  if (ipaddr.isValidCIDR(block)) return ipaddr.parseCIDR(block);
  if (!isAddress(block)) return undefined;
  const parsed = ipaddr.parse(block);
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128];
}
