import { covers } from '../istio/hosts.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import { idOf, type Labels, type Resource, type ResourceOf, refOf } from '../istio/resources.ts';
import { meshGateway, type VirtualService } from '../istio/virtual-service.ts';
import type { ModelObject } from './model-object.ts';

/** A gateway Service that routes lead to and that the input does not contain. */
export interface AssumedGateway {
  readonly service: ResourceOf<'Service'>;
  /** One sentence that says what is assumed. */
  readonly note: string;
}

/** True when a mesh route leads to a Service of the cluster that is missing. */
export function leadsToMissingService(
  virtualService: VirtualService,
  config: MeshConfig,
  has: (id: string) => boolean,
): boolean {
  if (!virtualService.gateways.includes(meshGateway)) return false;
  return Iterator.from(destinationsOf(virtualService)).some((host) => {
    const service = namedService(host, config);
    return service !== undefined && !has(idOf({ kind: 'Service', ...service }));
  });
}

/** Ports of the gateway's Service in Istio's charts, and where they lead. */
const usualPorts: readonly (readonly [port: number, targetPort: number])[] = [
  [80, 8080],
  [443, 8443],
];

/**
 * Manifests in files rarely contain the gateway that they are for. Where a mesh route leads to a Service that is missing,
 * the Service is assumed, its pods labelled as the Gateways of the same hosts select them; not where another Service has those pods, so that
 * the name is what is wrong.
 */
export function assumeGateways(objects: Iterable<ModelObject>, config: MeshConfig): readonly AssumedGateway[] {
  const known = new Map<string, Resource>();
  const virtualServices: VirtualService[] = [];
  for (const { resource, virtualService } of objects) {
    if (resource !== undefined) known.set(idOf(refOf(resource)), resource);
    if (virtualService !== undefined) virtualServices.push(virtualService);
  }
  const selectors = [...known.values()].flatMap((one) =>
    one.kind === 'Service' && one.spec.selector !== undefined ? [one.spec.selector] : [],
  );
  const assumed = new Map<string, AssumedGateway>();
  for (const virtualService of virtualServices) {
    if (!virtualService.gateways.includes(meshGateway)) continue;
    for (const host of destinationsOf(virtualService)) {
      const service = namedService(host, config);
      if (service === undefined || assumed.has(host) || known.has(idOf({ kind: 'Service', ...service }))) continue;
      const gateways = gatewaysOf(virtualService, virtualServices, known);
      const selector = gateways.find((gateway) => Object.keys(gateway.spec.selector ?? {}).length > 0)?.spec.selector;
      if (selector === undefined || selectors.some((other) => isNarrower(other, selector))) continue;
      assumed.set(host, assume(host, service, selector, gateways));
    }
  }
  return [...assumed.values()];
}

/** True when all pods that one selector selects, another does too. */
function isNarrower(selector: Labels, other: Labels): boolean {
  return Object.entries(other).every(([label, value]) => selector[label] === value);
}

/** Where sidecars may send requests. */
function destinationsOf(virtualService: VirtualService): ReadonlySet<string> {
  const rules = [...virtualService.http, ...virtualService.tls, ...virtualService.tcp].filter(
    ({ matches }) =>
      matches.length === 0 || matches.some(({ gateways }) => gateways.length === 0 || gateways.includes(meshGateway)),
  );
  return new Set(rules.flatMap((rule) => rule.destinations.map(({ host }) => host)));
}

function namedService(
  host: string,
  config: MeshConfig,
): { readonly namespace: string; readonly name: string } | undefined {
  const suffix = `.svc.${config.clusterDomain}`;
  const [name, namespace, ...rest] = host.endsWith(suffix) ? host.slice(0, -suffix.length).split('.') : [];
  return name === undefined || namespace === undefined || rest.length > 0 ? undefined : { namespace, name };
}

/** The Gateways to which VirtualServices for the same hosts are bound. */
function gatewaysOf(
  virtualService: VirtualService,
  all: readonly VirtualService[],
  known: ReadonlyMap<string, Resource>,
): readonly ResourceOf<'Gateway'>[] {
  const related = all.filter((other) =>
    other.hosts.some((host) => virtualService.hosts.some((own) => covers(own, host) || covers(host, own))),
  );
  const names = new Set(related.flatMap((other) => other.gateways).filter((name) => name !== meshGateway));
  return [...names].flatMap((name) => {
    const [namespace = '', gateway = ''] = name.split('/');
    const found = known.get(idOf({ kind: 'Gateway', namespace, name: gateway }));
    return found?.kind === 'Gateway' ? [found] : [];
  });
}

function assume(
  host: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  selector: Labels,
  gateways: readonly ResourceOf<'Gateway'>[],
): AssumedGateway {
  const declared = gateways.flatMap((gateway) =>
    (gateway.spec.servers ?? []).map((server) => server.port?.number ?? 0),
  );
  const targets = new Map([...new Set(declared)].filter((port) => port !== 0).map((port) => [port, port] as const));
  for (const [port, targetPort] of usualPorts) targets.set(port, targetPort);
  const ports = [...targets].map(([port, targetPort]) => ({
    name: port === 80 ? 'http2' : `tcp-${port}`,
    port,
    targetPort,
  }));
  const metadata = { name, namespace, labels: {}, annotations: {}, created: Number.NEGATIVE_INFINITY, place: -1 };
  const labels = Object.entries(selector).map(([label, value]) => `${label}: ${value}`);
  return {
    service: { kind: 'Service', metadata, spec: { selector, ports } },
    note: `Service ${namespace}/${name} is not in the input: assumed to be a gateway with pods {${labels.join(', ')}} and ports ${ports.map(({ port, targetPort }) => `${port}→${targetPort}`).join(', ')} (${host})`,
  };
}
