import { hostPatternsOf } from '../istio/hosts.ts';
import { fieldOf } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { type Chain, chainsNamed, listensOn, refusedListener } from '../mesh/gateways.ts';
import { everything, factsOf, type MeshReader } from '../mesh/indexes.ts';
import type { AtGateway } from './hop.ts';
import type { AppProtocol, Arrival, Cause, ServerMatch } from './path.ts';
import { decide, end, type Progress, type Request, type Way } from './way.ts';

/** The connection was taken by a filter chain that can handle it. */
export interface AtServer {
  readonly kind: 'server';
  readonly chain: Chain;
  readonly progress: Progress;
  readonly arrival: Arrival;
  /** TLS that goes through the gateway untouched: the sidecar's own origination. */
  readonly passesTls?: { readonly mode: 'SIMPLE' | 'MUTUAL'; readonly sni: string };
}

/** The TLS that a connection arrives in. */
type Outer = 'ISTIO_MUTUAL' | 'MUTUAL' | 'SIMPLE' | 'application' | 'plaintext';

/** Takes the authority that the request carries when it reaches the gateway. */
export interface Authority {
  readonly text: string;
  readonly isClients: boolean;
}

/**
 * The filter chain that takes a connection on the gateway's pod, and whether its TLS fits.
 * Source: core/listener.go `buildGatewayListener`, `toFilterChainMatch`; Envoy's filter chain match.
 */
export function serve(
  reader: MeshReader,
  at: AtGateway,
  request: Request,
  authority: Authority,
): AtServer | { readonly kind: 'ended'; readonly way: Way } {
  const { workload, hop, progress } = at;
  const refused = refusedListener(reader, workload, hop.podPort);
  if (refused !== undefined) {
    const what =
      refused.serverName === ''
        ? 'two filter chains take every connection'
        : `two filter chains claim '${refused.serverName}'`;
    const [first, later = first] = refused.chains;
    return broken(
      decide(progress, later.server.resource, later.server.field),
      'listener-refused',
      `Envoy refuses the listener of pod port ${hop.podPort}: ${what}`,
    );
  }
  if (!listensOn(reader, workload, hop.podPort))
    return broken(progress, 'nothing-listens', `nothing listens on pod port ${hop.podPort} of the gateway`);
  const outer = outerOf(hop.tls, request.protocol);
  const sni = sniOf(outer, hop.sni, request.name);
  const chain = chainFor(reader, workload, hop.podPort, sni);
  if (chain === undefined) {
    const what = sni === undefined ? 'plaintext' : `SNI '${sni}'`;
    return broken(progress, 'no-server-for-sni', `no server on pod port ${hop.podPort} of the gateway takes ${what}`);
  }
  const server = matchOf(chain, hop.podPort);
  const reached: Progress = { ...decide(progress, chain.server.resource, chain.server.field), server };
  const misfit = misfitOf(reader, at, chain, outer, request.protocol);
  if (misfit !== undefined) return broken(reached, misfit.cause, misfit.reason);
  return accepted(at, chain, reached, outer, sni, authority);
}

function accepted(
  at: AtGateway,
  chain: Chain,
  progress: Progress,
  outer: Outer,
  sni: string | undefined,
  authority: Authority,
): AtServer {
  const { hop } = at;
  const { server } = chain;
  const terminates = server.kind === 'tls-http' || server.kind === 'tls-tcp';
  const hasIdentity = terminates && server.mode === 'ISTIO_MUTUAL';
  const arrival: Arrival = {
    workload: at.workload,
    chain: server.kind === 'http' || server.kind === 'tls-http' ? 'http' : 'tcp',
    identity: hasIdentity ? 'workload' : terminates && server.mode !== 'SIMPLE' ? 'unknown' : 'none',
    ...(sni === undefined ? {} : { sni }),
    sniIsClients: outer === 'application',
    podPort: hop.podPort,
    authority: authority.text,
    authorityIsClients: authority.isClients,
    clientSans: hasIdentity && !server.acceptsUntrusted ? server.subjectAltNames : [],
  };
  const passes = !terminates && (hop.tls === 'SIMPLE' || hop.tls === 'MUTUAL');
  return {
    kind: 'server',
    chain,
    arrival,
    progress: { ...progress, arrival },
    ...(passes && (hop.tls === 'SIMPLE' || hop.tls === 'MUTUAL') ? { passesTls: { mode: hop.tls, sni: hop.sni } } : {}),
  };
}

function outerOf(hopTls: AtGateway['hop']['tls'], protocol: AppProtocol): Outer {
  if (hopTls !== 'DISABLE') return hopTls;
  return protocol === 'tls' ? 'application' : 'plaintext';
}

/** The SNI that Envoy sees, in lower case; undefined on plaintext. */
function sniOf(outer: Outer, hopSni: string, name: string): string | undefined {
  if (outer === 'plaintext') return undefined;
  return outer === 'application' ? name : hopSni.toLowerCase();
}

/** The chain with the SNI's exact name, else the longest wildcard, else the one without names. */
export function chainFor(
  reader: MeshReader,
  workload: Workload,
  port: number,
  sni: string | undefined,
): Chain | undefined {
  const names = sni === undefined || sni === '' ? [] : hostPatternsOf(sni);
  for (const name of [...names, everything]) {
    const [chain] = chainsNamed(reader, workload, port, name);
    if (chain !== undefined) return chain;
  }
  return undefined;
}

function matchOf({ server }: Chain, port: number): ServerMatch {
  return {
    gateway: server.gateway,
    port,
    protocol: server.protocol,
    mode: server.mode === 'NONE' ? '' : server.mode,
    hosts: server.serverNames,
    at: fieldOf(server.resource, server.field),
    acceptsAnySni: server.serverNames.includes('*'),
  };
}

/** What a chain cannot handle, and what to call it. */
interface Misfit {
  readonly cause: 'tls-mismatch' | 'stream-mismatch' | 'server-name-refused';
  readonly reason: string;
}

/** Why the chain cannot handle what arrives, if it cannot (semantics: table of protocols, modes and chains). */
function misfitOf(
  reader: MeshReader,
  at: AtGateway,
  chain: Chain,
  outer: Outer,
  protocol: AppProtocol,
): Misfit | undefined {
  const { kind, mode } = chain.server;
  switch (kind) {
    case 'http':
      if (outer !== 'plaintext') return tlsMismatch('TLS arrives at a plaintext HTTP server');
      return protocol === 'http' ? undefined : streamMismatch('a byte stream arrives at an HTTP server');
    case 'tls-http':
      return (
        handshakeMisfit(reader, at, chain, outer) ??
        (protocol === 'http'
          ? undefined
          : streamMismatch(`${protocol.toUpperCase()} arrives inside the hop at a server that handles HTTP`))
      );
    case 'tls-tcp':
      return handshakeMisfit(reader, at, chain, outer);
    default:
      if (outer === 'ISTIO_MUTUAL') {
        const server = mode === 'NONE' ? 'TCP' : mode;
        return tlsMismatch(
          `mesh TLS goes through a ${server} server to the external host, which does not know the mesh`,
        );
      }
      if ((outer === 'SIMPLE' || outer === 'MUTUAL') && protocol === 'tls')
        return tlsMismatch('the sidecar originates TLS around the TLS of the application');
      return undefined;
  }
}

function handshakeMisfit(reader: MeshReader, at: AtGateway, { server }: Chain, outer: Outer): Misfit | undefined {
  const { mode } = server;
  if (outer === 'plaintext') return tlsMismatch(`plaintext arrives at a server with TLS mode ${mode}`);
  if (outer === 'application')
    return tlsMismatch(`the application's own TLS arrives at a server with TLS mode ${mode}`);
  if (mode === 'ISTIO_MUTUAL') {
    if (outer === 'ISTIO_MUTUAL') return serverNameMisfit(reader, at);
    return tlsMismatch(`the hop is ${outer}, without a certificate of the mesh, and the server is ISTIO_MUTUAL`);
  }
  if (outer === 'ISTIO_MUTUAL') {
    // A server with the workload's own certificate satisfies a client that verifies against the mesh.
    if (server.credentialName.startsWith('builtin://')) return serverNameMisfit(reader, at);
    return tlsMismatch(`the hop is ISTIO_MUTUAL, and the server is ${mode} with a certificate that is not the mesh's`);
  }
  if (mode !== 'MUTUAL' || outer !== 'SIMPLE') return undefined;
  return tlsMismatch('the hop has no client certificate, and the server is MUTUAL');
}

/** The client accepts only the SANs that the DestinationRule lists, if it lists any. */
function serverNameMisfit(reader: MeshReader, at: AtGateway): Misfit | undefined {
  const sans = at.tls?.settings.subjectAltNames ?? [];
  const { trustDomain } = factsOf(reader).config;
  const identity = `spiffe://${trustDomain}/ns/${at.workload.namespace}/sa/${at.workload.serviceAccount}`;
  if (sans.length === 0 || sans.includes(identity)) return undefined;
  const names = sans.map((name) => `'${name}'`).join(', ');
  const reason = `the hop accepts only the server names ${names}, and the gateway presents '${identity}'`;
  return { cause: 'server-name-refused', reason };
}

function tlsMismatch(reason: string): Misfit {
  return { cause: 'tls-mismatch', reason };
}

function streamMismatch(reason: string): Misfit {
  return { cause: 'stream-mismatch', reason };
}

function broken(progress: Progress, cause: Cause, reason: string): { readonly kind: 'ended'; readonly way: Way } {
  return { kind: 'ended', way: end(progress, { outcome: 'broken', stage: 'server', cause, reason }) };
}
