import { defaultSni, type EffectivePolicy } from '../istio/destination-rule.ts';
import { sectionOf } from '../istio/protocol.ts';
import { fieldOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { MeshPort, MeshService } from '../istio/service.ts';
import type { Viewer } from '../istio/viewer.ts';
import { type ConsolidatedRule, destinationRuleFor, policyFor } from '../mesh/destination-rules.ts';
import { type MeshReader, workloadEntries, workloadsByNamespace } from '../mesh/indexes.ts';
import { portOf, type SeenService } from '../mesh/services.ts';
import type { AppProtocol, ClientTlsMode, Note, Origination, Upstream } from './path.ts';

/** A cluster of a proxy: a service, a port and a subset, with the policy that applies. */
export interface Cluster {
  readonly seen: SeenService;
  readonly port: MeshPort;
  readonly rule: ConsolidatedRule | undefined;
  readonly policy: EffectivePolicy;
}

/** Why a cluster does not exist. */
export type MissingCluster = 'service' | 'port' | 'subset';

/**
 * The cluster that a proxy has for a service, port and subset; a missing subset or port means that there is none.
 * Source: core/cluster.go `buildOutboundClusters`.
 */
export function clusterOf(
  reader: MeshReader,
  viewer: Viewer,
  seen: SeenService | undefined,
  number: number,
  subset: string,
): Cluster | { readonly missing: MissingCluster; readonly rule?: ConsolidatedRule } {
  if (seen === undefined) return { missing: 'service' };
  const port = portOf(seen, number);
  if (port === undefined) return { missing: 'port' };
  const rule = destinationRuleFor(reader, viewer, seen.service);
  if (subset !== '' && rule?.subset(subset) === undefined)
    return { missing: 'subset', ...(rule === undefined ? {} : { rule }) };
  return { seen, port, rule, policy: policyFor(rule, subset, number) };
}

/** How a request reaches the host behind a cluster, from a sidecar or from a gateway. */
export interface Connection {
  readonly upstream: Upstream;
  readonly notes: readonly Note[];
  readonly origination: Origination;
}

/** The stream that the proxy sends on: what the application speaks, unless TLS around it was terminated before. */
export interface Stream {
  readonly protocol: AppProtocol;
  /** True where the proxy handles HTTP, not bytes: only then is the SNI taken from the authority. */
  readonly isHttp: boolean;
  /** Host of the authority, without its port. */
  readonly authorityHost: string;
  /** The port that the application dialled. */
  readonly port: number;
}

/**
 * The connection to an external host. `isSidecar`: sidecars drop origination with a `credentialName` unless the DestinationRule
 * selects workloads. Source: core/cluster_tls.go `buildUpstreamClusterTLSContext`, `setAutoSniAndAutoSanValidation`.
 */
export function connect(cluster: Cluster, stream: Stream, isSidecar: boolean, subset: string): Connection {
  const { service } = cluster.seen;
  const mode = originationMode(cluster, isSidecar);
  const tls = cluster.policy.tls;
  const originates = mode !== 'DISABLE';
  const sni = originates ? tls?.sni || sniWithoutSetting(cluster, mode, stream, subset) : '';
  const notes: Note[] = [];
  if (!originates && stream.protocol === 'http') notes.push('plaintext');
  if (originates && stream.protocol === 'tls') notes.push('tls-in-tls');
  if (originates && tls?.settings.insecureSkipVerify === true) notes.push('unverified');
  const port =
    isSidecar && service.resolution === 'NONE' ? originalPort(cluster, stream) : dialledPort(cluster, subset);
  const origination = {
    ...originationOf(cluster, port),
    ...(notes.includes('plaintext') && { plaintextPort: port }),
    ...(acceptsAnyName(cluster, mode, stream) && { acceptsAnyName: true }),
    ...(expectsWorkload(cluster) && { expectsWorkload: true }),
    ...(notes.includes('unverified') && { isUnverified: true }),
    ...materialOf(cluster, isSidecar, stream),
  };
  return { upstream: { host: service.host, port, tls: mode, sni }, notes, origination };
}

/** What the SNI is where no DestinationRule sets one. Source: core/cluster_tls.go `buildUpstreamTLSSettings`, `setAutoSniAndAutoSanValidation`. */
function sniWithoutSetting(
  { seen, port }: Cluster,
  mode: ClientTlsMode,
  { isHttp, authorityHost }: Stream,
  subset: string,
): string {
  if (mode === 'ISTIO_MUTUAL') return defaultSni(seen.service.host, subset, port.number);
  return isHttp ? authorityHost : '';
}

/**
 * Without names of its own to look for, Envoy looks for the one of the SNI that it takes from the authority, and for none at all
 * where the SNI is set, or where it forwards bytes. The `hostname` of a BackendTLSPolicy is set as SNI and as nothing else, although the
 * Gateway API has it verified. Source: core/cluster_tls.go `setAutoSniAndAutoSanValidation`; config/kube/gateway/backend_policies.go.
 */
function acceptsAnyName({ policy: { tls }, seen }: Cluster, mode: ClientTlsMode, { isHttp }: Stream): boolean {
  if (tls === undefined || (mode !== 'SIMPLE' && mode !== 'MUTUAL') || tls.settings.insecureSkipVerify === true)
    return false;
  const names = [...(tls.settings.subjectAltNames ?? []), ...seen.service.subjectAltNames];
  return names.length === 0 && (tls.sni !== '' || !isHttp);
}

/** What of the certificates a proxy does not have by itself. The application's own TLS needs none. */
function materialOf(
  cluster: Cluster,
  isSidecar: boolean,
  { protocol }: Stream,
): Pick<Origination, 'file' | 'droppedSecret'> {
  const { tls } = cluster.policy;
  if (tls === undefined || (tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL') || protocol === 'tls') return {};
  const { settings } = tls;
  const secret = settings.credentialName ?? '';
  if (secret !== '')
    return isSidecar && originationMode(cluster, isSidecar) === 'DISABLE' ? { droppedSecret: secret } : {};
  const fields =
    tls.mode === 'MUTUAL'
      ? (['clientCertificate', 'privateKey', 'caCertificates'] as const)
      : (['caCertificates'] as const);
  const field = fields.find((candidate) => isMounted(settings[candidate] ?? ''));
  return field === undefined ? {} : { file: { field, path: settings[field] ?? '' } };
}

/** Where a proxy has certificates of its own: those of public authorities, and those of its service account and of the mesh. */
const ownFolders = ['/etc/ssl/', '/etc/pki/', '/usr/share/ca-certificates/', '/var/run/secrets/', './var/run/secrets/'];

/** True for a file that somebody mounts. Source: core/cluster_tls.go `constructUpstreamTLS`: `system` are the public authorities. */
function isMounted(path: string): boolean {
  return path !== '' && path !== 'system' && !ownFolders.some((folder) => path.startsWith(folder));
}

/** True where the server has to show the name of a workload: what is outside of the mesh has none. */
function expectsWorkload({ policy: { tls } }: Cluster): boolean {
  const names = tls?.settings.subjectAltNames ?? [];
  return names.length > 0 && names.every((name) => name.startsWith('spiffe://'));
}

function originationOf({ policy, rule, seen, port: { number, protocol } }: Cluster, dialled: number): Origination {
  const located = policy.tls ?? policy.withoutTls;
  const at = located === undefined ? rule && fieldOf(rule.oldest, 'spec') : fieldOf(located.resource, located.field);
  const entry = fieldOf(seen.service.resource, portField(seen.service, number));
  const isTlsPort = sectionOf(protocol) === 'tls' || dialled === 443;
  return { ...(at && { at }), entry, host: seen.service.host, port: number, isTlsPort };
}

function portField({ ports }: MeshService, number: number): string {
  const index = ports.findIndex((port) => port.number === number);
  return index === -1 ? 'spec.ports' : `spec.ports[${index}]`;
}

function originationMode(cluster: Cluster, isSidecar: boolean): ClientTlsMode {
  const { tls } = cluster.policy;
  if (tls === undefined) return 'DISABLE';
  const credential = tls.settings.credentialName ?? '';
  const isDropped =
    isSidecar && credential !== '' && !credential.startsWith('configmap://') && cluster.rule?.selector === undefined;
  return isDropped && (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL') ? 'DISABLE' : tls.mode;
}

/** Where the connection goes on to where it was to go: to the same port unless another is written. Source: core/cluster_builder.go `UpstreamPortOverride`. */
function originalPort({ port: { number, targetPort } }: Cluster, stream: Stream): number {
  return typeof targetPort === 'number' && targetPort !== number ? targetPort : stream.port;
}

/** The port of the endpoint: its own for the port name, else the service's target port. */
function dialledPort(cluster: Cluster, subset: string): number {
  const { service } = cluster.seen;
  const labels = subsetLabels(cluster, subset);
  const endpoint = service.endpoints.find((candidate) => selects(labels, candidate.labels));
  const declared = endpoint?.ports[cluster.port.name];
  if (declared !== undefined) return declared;
  return typeof cluster.port.targetPort === 'number' ? cluster.port.targetPort : cluster.port.number;
}

/**
 * True when a gateway finds an endpoint: never with resolution NONE, with STATIC only where endpoints are written, with DNS
 * the host itself if none are. Source: pilot/pkg/serviceregistry/serviceentry/conversion.go `convertServiceEntryToInstances`.
 */
export function hasEndpoint(reader: MeshReader, cluster: Cluster, subset: string): boolean {
  const { service } = cluster.seen;
  const labels = subsetLabels(cluster, subset);
  if (service.resolution === 'NONE') return false;
  if (service.selector !== undefined) return hasSelectedEndpoint(reader, service, labels);
  if (service.endpoints.length > 0) return service.endpoints.some((endpoint) => selects(labels, endpoint.labels));
  return service.resolution !== 'STATIC' && Object.keys(labels).length === 0;
}

/** A ServiceEntry selects WorkloadEntries and pods. */
function hasSelectedEndpoint(
  reader: MeshReader,
  service: MeshService,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { namespace, selector = {} } = service;
  const isSelected = (all: Readonly<Record<string, string>>): boolean => selects(selector, all) && selects(labels, all);
  return (
    reader
      .entries(workloadEntries, namespace)
      .some(({ spec, metadata }) => isSelected({ ...spec.labels, ...metadata.labels })) ||
    reader.entries(workloadsByNamespace, namespace).some(({ spec }) => isSelected(spec.labels))
  );
}

function subsetLabels(cluster: Cluster, subset: string): Readonly<Record<string, string>> {
  return (subset === '' ? undefined : cluster.rule?.subset(subset)?.subset.labels) ?? {};
}
