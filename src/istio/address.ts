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

function rangeOf(block: string): ReturnType<typeof ipaddr.parseCIDR> | undefined {
  if (ipaddr.isValidCIDR(block)) return ipaddr.parseCIDR(block);
  if (!isAddress(block)) return undefined;
  const parsed = ipaddr.parse(block);
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128];
}
