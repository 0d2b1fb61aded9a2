import { dequal } from 'dequal';
import { type ClientTls, defaultSni } from '../istio/destination-rule.ts';
import { hostPatternsOf } from '../istio/hosts.ts';
import { fieldOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import { isKubernetes, type MeshService } from '../istio/service.ts';
import type { ClientView } from '../mesh/client-view.ts';
import { clusterService } from '../mesh/cluster-services.ts';
import { type ConsolidatedRule, exportedRuleFor, policyFor } from '../mesh/destination-rules.ts';
import type { Query } from '../mesh/engine.ts';
import { mayBeEgressGateway, podPort, type Workload, workloadsBehind } from '../mesh/gateway-workloads.ts';
import { isGateway, listensOn } from '../mesh/gateways.ts';
import { factsOf, gatewayBoundHosts, type MeshReader, peerAuthentications } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesOfHost } from '../mesh/services.ts';
import type { Captured } from './capture.ts';
import type { Cause, ClientTlsMode, Hop } from './path.ts';
import { type Cluster, clusterOf } from './upstream.ts';
import { end, type Progress, type Request, type Way } from './way.ts';

/** The request arrives at a gateway's pod. */
export interface AtGateway {
  readonly kind: 'gateway';
  readonly hop: Hop & { readonly podPort: number; readonly tls: ClientTlsMode; readonly sni: string };
  readonly workload: Workload;
  /** The settings of the hop's TLS; absent without any. */
  readonly tls?: ClientTls;
  readonly progress: Progress;
}

/**
 * The Kubernetes Service of a destination, if it is an egress gateway's for requests to `name` (lower case). Never a matter of
 * the Service's own name: the settings say so, a Gateway selects its pods, Istio's proxy is all that runs in them, or some
 * VirtualService that is bound to a Gateway leads the requested host to itself from there, so that a gateway is what the route means
 * (not asked without a `name`).
 */
export function gatewayServiceOf(reader: MeshReader, destination: string, name?: string): MeshService | undefined {
  const service = servicesOfHost(reader, destination).find(isKubernetes);
  if (service === undefined) return undefined;
  const role = reader.value(serviceRoles, service.host);
  const isMeant = role === 'perhaps' && name !== undefined && isBoundToGateway(reader, name);
  return role === 'gateway' || isMeant ? service : undefined;
}

/** Whether the pods behind a Kubernetes Service (the argument is its host) are a gateway, or may be one. Asked for every destination of every route. */
const serviceRoles: Query<ModelObject, 'gateway' | 'perhaps' | 'none'> = {
  name: 'roles of Services',
  level: 1,
  compute(reader, host) {
    const service = servicesOfHost(reader, host).find(isKubernetes);
    const workloads = service === undefined ? [] : workloadsBehind(reader, service);
    const possible = workloads.filter((workload) => mayBeEgressGateway(reader, workload));
    if (possible.some((workload) => workload.isProxyOnly || isGateway(reader, workload))) return 'gateway';
    return possible.length === 0 ? 'none' : 'perhaps';
  },
};

/** The Service's full name that is meant by a part of it, where an egress gateway has it: names with a dot are not completed. */
export function wholeGatewayHost(reader: MeshReader, part: string): string | undefined {
  const { clusterDomain } = factsOf(reader).config;
  const candidates = [`${part}.svc.${clusterDomain}`, `${part}.${clusterDomain}`];
  return candidates.find((candidate) => gatewayServiceOf(reader, candidate) !== undefined);
}

function isBoundToGateway(reader: MeshReader, name: string): boolean {
  return hostPatternsOf(name).some((pattern) => reader.distinct(gatewayBoundHosts, pattern).length > 0);
}

/**
 * Sends a request over the hop to a gateway's Service: to each kind of pod behind the subset, or to the end of its way.
 * Source: core/cluster_builder.go, core/cluster_tls.go `buildUpstreamTLSSettings`.
 */
export function hop(
  client: ClientView,
  request: Request,
  captured: Captured,
  service: MeshService,
): readonly (AtGateway | { readonly kind: 'ended'; readonly way: Way })[] {
  const { destination, port, listener, progress } = captured;
  const seen = clusterService(client, destination.host, listener);
  const cluster = clusterOf(client.reader, client, seen, port, destination.subset);
  const base = {
    ...rulesOf(client, service, cluster, destination.subset, port),
    service: service.host,
    port,
    subset: destination.subset,
    sniIsDefault: false,
    routeAt: progress.decidedBy.at(-1) ?? fieldOf(service.resource, ''),
  };
  if ('missing' in cluster) {
    const reason = missingReason(cluster.missing, service.host, port, destination.subset);
    const meantFor = podsOf(client.reader, service);
    return [ended({ ...progress, hop: { ...base, meantFor } }, causes[cluster.missing], reason)];
  }
  const { passthrough } = cluster.policy;
  if (passthrough !== undefined) {
    const reason = 'the DestinationRule balances with PASSTHROUGH, to the address that the application dialled';
    const at = fieldOf(passthrough.resource, passthrough.field);
    return [
      {
        kind: 'ended',
        way: end(progress, { outcome: 'direct', stage: 'capture', cause: 'passthrough-balancing', reason, at }),
      },
    ];
  }
  // Origination takes the SNI from the authority, of HTTP only.
  const autoSni = captured.isHttp ? request.name : '';
  return arrive(client.reader, { ...progress, hop: base }, base, cluster, autoSni);
}

/** The rule that applies to the hop, and the one of the platform that it hides by being in the client's namespace. */
function rulesOf(
  client: ClientView,
  service: MeshService,
  { rule }: { readonly rule?: ConsolidatedRule | undefined },
  subset: string,
  port: number,
): Pick<Hop, 'rule' | 'hidden'> {
  if (rule === undefined) return {};
  const applied = { rule: fieldOf(rule.oldest, 'spec.host') };
  const { rootNamespace } = factsOf(client.reader).config;
  if (rule.namespace === service.namespace || rule.namespace === rootNamespace) return applied;
  const hidden = exportedRuleFor(client.reader, client, service);
  if (hidden === undefined || (subset !== '' && hidden.subset(subset) === undefined)) return applied;
  const isMutual = policyFor(hidden, subset, port).tls?.mode === 'ISTIO_MUTUAL';
  const isSame = dequal(tlsKey(rule, subset, port), tlsKey(hidden, subset, port));
  return isMutual && !isSame ? { ...applied, hidden: fieldOf(hidden.oldest, 'spec.host') } : applied;
}

/** What of a rule's TLS a gateway sees; undefined where the subset is missing. */
function tlsKey(rule: ConsolidatedRule, subset: string, port: number): readonly string[] | undefined {
  if (subset !== '' && rule.subset(subset) === undefined) return undefined;
  const { tls } = policyFor(rule, subset, port);
  return [tls?.mode ?? 'DISABLE', tls?.sni ?? ''];
}

function arrive(
  reader: MeshReader,
  progress: Progress,
  base: Hop,
  cluster: Cluster,
  autoSni: string,
): readonly (AtGateway | { readonly kind: 'ended'; readonly way: Way })[] {
  const { service } = cluster.seen;
  const subset = base.subset === '' ? undefined : cluster.rule?.subset(base.subset);
  const labels = subset?.subset.labels ?? {};
  const workloads = workloadsBehind(reader, service).filter((workload) => selects(labels, workload.labels));
  if (workloads.length === 0) {
    const withoutPods = {
      ...base,
      meantFor: podsOf(reader, service),
      ...(subset !== undefined && { subsetAt: fieldOf(subset.resource, subset.field) }),
      ...tlsOf(reader, base, cluster, undefined, autoSni),
    };
    return [
      ended(
        { ...progress, hop: withoutPods },
        'subset-without-pods',
        `no pod of '${service.host}' has the labels of subset '${base.subset}'`,
      ),
    ];
  }
  return workloads.map((workload) => {
    const port = podPort(workload, cluster.port.targetPort) ?? cluster.port.number;
    const { tls } = cluster.policy;
    const full = {
      ...base,
      workload: workload.id,
      podPort: port,
      isListenedTo: listensOn(reader, workload, port),
      ...tlsOf(reader, base, cluster, workload, autoSni),
    };
    return {
      kind: 'gateway',
      hop: full,
      workload,
      progress: { ...progress, hop: full },
      ...(tls === undefined ? {} : { tls }),
    };
  });
}

/** The pods that a gateway's Service is for. */
function podsOf(reader: MeshReader, service: MeshService): readonly string[] {
  return workloadsBehind(reader, service)
    .filter((workload) => mayBeEgressGateway(reader, workload))
    .map(({ id }) => id);
}

/** The TLS that the sidecar opens. Without settings only pods that are marked for it get mutual TLS, with the default SNI. */
function tlsOf(
  reader: MeshReader,
  base: Hop,
  cluster: Cluster,
  workload: Workload | undefined,
  autoSni: string,
): Pick<AtGateway['hop'], 'tls' | 'sni' | 'sniIsDefault' | 'tlsAt'> {
  const { tls } = cluster.policy;
  const standard = defaultSni(base.service, base.subset, base.port);
  if (tls === undefined) {
    const subset = base.subset === '' ? undefined : cluster.rule?.subset(base.subset);
    const located = cluster.policy.withoutTls ?? subset;
    const at = located?.resource ?? cluster.rule?.oldest;
    const tlsAt = at === undefined ? {} : { tlsAt: fieldOf(at, located?.field ?? 'spec') };
    const isMutual = workload !== undefined && isAutoMutual(reader, cluster, workload);
    return isMutual
      ? { tls: 'ISTIO_MUTUAL', sni: standard, sniIsDefault: true, ...tlsAt }
      : { tls: 'DISABLE', sni: '', sniIsDefault: false, ...tlsAt };
  }
  const tlsAt = fieldOf(tls.resource, tls.field);
  if (tls.mode === 'DISABLE' || isDroppedOnSidecars(cluster, tls))
    return { tls: 'DISABLE', sni: '', sniIsDefault: false, tlsAt };
  if (tls.mode !== 'ISTIO_MUTUAL')
    return { tls: tls.mode, sni: tls.sni === '' ? autoSni : tls.sni, sniIsDefault: false, tlsAt };
  return { tls: tls.mode, sni: tls.sni === '' ? standard : tls.sni, sniIsDefault: tls.sni === '', tlsAt };
}

function isDroppedOnSidecars(cluster: Cluster, tls: ClientTls): boolean {
  const credential = tls.settings.credentialName ?? '';
  if (credential === '' || credential.startsWith('configmap://') || cluster.rule?.selector !== undefined) return false;
  return tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL';
}

/** Source: core/cluster_tls.go `buildUpstreamTLSSettings`; push_context.go `BestEffortInferServiceMTLSMode`. */
function isAutoMutual(reader: MeshReader, cluster: Cluster, workload: Workload): boolean {
  const { config } = factsOf(reader);
  if (!config.enableAutoMtls || workload.labels['security.istio.io/tlsMode'] !== 'istio') return false;
  for (const namespace of [cluster.seen.service.namespace, config.rootNamespace]) {
    const mode = reader.first(peerAuthentications, namespace)?.spec.mtls?.mode ?? 'UNSET';
    if (mode !== 'UNSET') return mode !== 'DISABLE';
  }
  return true;
}

function missingReason(missing: 'service' | 'port' | 'subset', host: string, port: number, subset: string): string {
  if (missing === 'service') return `the client does not see the Service '${host}'`;
  if (missing === 'port') return `the Service '${host}' has no port ${port}`;
  return `no DestinationRule that the client applies to '${host}' has a subset '${subset}'`;
}

const causes = { service: 'service-not-visible', port: 'service-port-missing', subset: 'subset-missing' } as const;

function ended(progress: Progress, cause: Cause, reason: string): { readonly kind: 'ended'; readonly way: Way } {
  return { kind: 'ended', way: end(progress, { outcome: 'broken', stage: 'hop', cause, reason }) };
}
