import type { FieldRef, Metadata } from '../istio/resources.ts';
import { fieldOf } from '../istio/resources.ts';
import { meshGateway, type VirtualService } from '../istio/virtual-service.ts';
import { gatewaysByName, type MeshReader } from '../mesh/indexes.ts';

/** A name of a gateway in a VirtualService that leads nowhere. */
export interface LostReference {
  /** `unlisted`: a match names what `spec.gateways` does not; `missing`: no Gateway has the name. */
  readonly kind: 'unlisted' | 'missing';
  /** `mesh`, or `namespace/name`. */
  readonly gateway: string;
  readonly at: FieldRef;
}

/**
 * The gateways that a VirtualService names in vain, each once. Sidecars and gateways find it by `spec.gateways` alone, so that
 * a match for any other name never applies. Source: pilot/pkg/model/push_context.go `initVirtualServices`.
 */
export function lostReferences(reader: MeshReader, virtualService: VirtualService): readonly LostReference[] {
  const { gateways, resource, hasGatewaySemantics } = virtualService;
  if (hasGatewaySemantics) return []; // Istio names the gateways of what it generates
  const missing = gateways.flatMap((gateway, index): readonly LostReference[] => {
    if (gateway === meshGateway || reader.first(gatewaysByName, gateway) !== undefined) return [];
    return [{ kind: 'missing', gateway, at: fieldOf(resource, `spec.gateways[${index}]`) }];
  });
  const unlisted = matchReferences(virtualService)
    .filter(({ gateway }) => !gateways.includes(gateway))
    .map(({ gateway, field }): LostReference => ({ kind: 'unlisted', gateway, at: fieldOf(resource, field) }));
  const found = new Map<string, LostReference>();
  for (const reference of [...missing, ...unlisted])
    if (!found.has(reference.gateway)) found.set(reference.gateway, reference);
  return [...found.values()];
}

/** The gateways that matches name, with their fields in the VirtualService. */
function matchReferences({
  http,
  tls,
  tcp,
}: VirtualService): readonly { readonly gateway: string; readonly field: string }[] {
  return [...http, ...tls, ...tcp].flatMap(({ field, matches }) =>
    matches.flatMap((match, index) =>
      match.gateways.map((gateway, place) => ({ gateway, field: `${field}.match[${index}].gateways[${place}]` })),
    ),
  );
}

/** The name of a gateway as a VirtualService may write it. */
export function writtenGateway(gateway: string, { metadata }: { readonly metadata: Metadata }): string {
  const own = `${metadata.namespace}/`;
  return gateway.startsWith(own) ? gateway.slice(own.length) : gateway;
}
