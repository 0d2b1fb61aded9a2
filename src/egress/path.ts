import { covers } from '../istio/hosts.ts';
import type { FieldRef } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import type { RefusedClaim } from '../mesh/refused-listeners.ts';

/** What the application speaks; `tls` is its own TLS, with SNI = host. */
export type AppProtocol = 'http' | 'tls' | 'tcp';

/** What becomes of a request (design: the outcome table of the README). */
export type Outcome = 'allowed' | 'denied' | 'direct' | 'blocked' | 'broken' | 'misrouted';

/** Where a path may end, in the order in which a request passes. */
export const stages = ['capture', 'hop', 'server', 'authorization', 'route', 'upstream'] as const;

/** Where a path ended. */
export type Stage = (typeof stages)[number];

/** TLS as a client opens it. `DISABLE` is plaintext, or the application's own bytes forwarded as they are. */
export type ClientTlsMode = 'ISTIO_MUTUAL' | 'MUTUAL' | 'SIMPLE' | 'DISABLE';

/** What is worth knowing about an upstream connection besides its outcome. */
export type Note = 'plaintext' | 'tls-in-tls' | 'unverified';

/** What ended a path where it ended, in one word; absent when it reached the host that was asked for. */
export type Cause =
  // capture
  | 'unknown-traffic'
  | 'not-routed'
  | 'routed-elsewhere'
  | 'mirrored-elsewhere'
  | 'routed-into-mesh'
  | 'no-such-destination'
  | 'listener-is-http'
  | 'passthrough-balancing'
  | 'no-client-route'
  | 'answered-by-sidecar'
  // hop
  | 'service-not-visible'
  | 'service-port-missing'
  | 'subset-missing'
  | 'subset-without-pods'
  // server
  | 'listener-refused'
  | 'nothing-listens'
  | 'no-server-for-sni'
  | 'tls-mismatch'
  | 'stream-mismatch'
  | 'server-name-refused'
  | 'client-name-refused'
  | 'https-redirect'
  // route
  | 'no-gateway-route'
  | 'answered-by-gateway'
  | 'other-host'
  // upstream
  | 'loop'
  | 'backend-refused'
  | 'host-not-registered'
  | 'host-not-exported'
  | 'host-port-missing'
  | 'host-subset-missing'
  | 'unresolvable'
  | 'no-endpoint'
  | 'mesh-tls-outside'
  | 'tls-in-tls';

/** Who sends: a namespace and a service account in it. */
export interface Client {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The service account that is shown where policies tell none apart. */
export const anyAccount = 'default';

/** The service account that stands for those that no policy names. */
export const otherAccounts = '*';

/** What is asked for. */
export interface Target {
  readonly protocol: AppProtocol;
  readonly host: string;
  readonly port: number;
}

/** The leg from the client's sidecar to the egress gateway. */
export interface Hop {
  /** The pods that the request arrives at: `workload.id`; absent when it arrives at none. */
  readonly workload?: string;
  /** The pods behind the Service, where the request arrives at none of them: `workload.id`. */
  readonly meantFor?: readonly string[];
  /** FQDN of the gateway's Service. */
  readonly service: string;
  /** Port of that Service. */
  readonly port: number;
  /** Port that the gateway's pods listen on (`targetPort`). Absent when the cluster does not exist. */
  readonly podPort?: number;
  readonly subset: string;
  readonly tls?: ClientTlsMode;
  /** The SNI that the sidecar sends; empty without TLS. */
  readonly sni?: string;
  /** True when no DestinationRule sets the SNI and Istio's default is sent. */
  readonly sniIsDefault: boolean;
  /** True when anything listens on the pod port; absent when the request does not get there. */
  readonly isListenedTo?: boolean;
  /** The DestinationRule that the client applies to the Service; absent without any. */
  readonly rule?: FieldRef;
  /** The DestinationRule that the client's own namespace hides behind `rule`, where it would do better. */
  readonly hidden?: FieldRef;
  /** The subset in that DestinationRule; absent unless it is what no pod fits. */
  readonly subsetAt?: FieldRef;
  /** The VirtualService destination that chose this hop. */
  readonly routeAt: FieldRef;
  /** Where the TLS settings come from: the field that sets them, or where one would have to. */
  readonly tlsAt?: FieldRef;
}

/** The gateway server whose filter chain took the connection. */
export interface ServerMatch {
  /** `namespace/name` of the Istio Gateway; that of a Gateway API listener has a name of Istio's making. */
  readonly gateway: string;
  /** Pod port. */
  readonly port: number;
  readonly protocol: string;
  /** Empty without TLS. */
  readonly mode: string;
  readonly hosts: readonly string[];
  /** The `servers[i]` element. */
  readonly at: FieldRef;
  /** True when the server's hosts contain `*`: no SNI is refused. */
  readonly acceptsAnySni: boolean;
}

/** True for a server that forwards TLS untouched: nothing of the hop ends at the gateway. */
export function passesTls({ mode }: ServerMatch): boolean {
  return mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH';
}

/**
 * True when the SNI of the hop is none of the host's: set to another, or left to Istio's default where the server is not one for
 * every SNI. Says nothing of hops without mesh TLS, or with settings of nobody's.
 */
export function sendsOtherSni(hop: Hop, server: ServerMatch | undefined, host: string): boolean {
  if (hop.tls !== 'ISTIO_MUTUAL' || hop.sni === undefined || hop.tlsAt === undefined) return false;
  if (hop.sniIsDefault && server?.acceptsAnySni === true) return false;
  return !covers(host, hop.sni.toLowerCase());
}

/** The TLS settings that a hop for the host needs, as a fix tells them: without its mode, `tls` means plaintext. */
export function hopTlsFor(host: string): string {
  return host.startsWith('*')
    ? `\`tls: {mode: ISTIO_MUTUAL}\` and an \`sni\` that '${host}' covers`
    : `\`tls: {mode: ISTIO_MUTUAL, sni: ${host}}\``;
}

/** What the gateway's policies are asked about, all but the client's identity. */
export interface Arrival {
  readonly workload: Workload;
  readonly chain: 'http' | 'tcp';
  /** Who the server sees: nobody, the client's workload certificate, or a certificate of which nothing is known. */
  readonly identity: 'none' | 'workload' | 'unknown';
  /** In lower case; undefined on plaintext. */
  readonly sni?: string;
  /** True where the application chooses the SNI itself. */
  readonly sniIsClients: boolean;
  readonly podPort: number;
  /** The authority of the request as it reaches the gateway, in lower case. */
  readonly authority: string;
  /** False where a route on the client's side sets it. */
  readonly authorityIsClients: boolean;
  /** SANs of which the client's certificate must carry one; empty: any. */
  readonly clientSans: readonly string[];
}

/** The verdict of the AuthorizationPolicies on the gateway. */
export interface Authorization {
  readonly decision: 'ALLOW' | 'DENY';
  /** `namespace/name` of the policies that decided; empty with DENY: no ALLOW policy matched. */
  readonly policies: readonly string[];
  /** `namespace/name` of policies whose verdict the client can change (by header, path, method or `:port`). */
  readonly depends: readonly string[];
}

/** The connection to the external host. */
export interface Upstream {
  readonly host: string;
  /** The port that is dialled (`targetPort`). */
  readonly port: number;
  readonly tls: ClientTlsMode;
  readonly sni: string;
}

/** What decides whether the connection to the external host is TLS. */
export interface Origination {
  /** The `tls` of the effective DestinationRule, or that rule where it sets none; absent where no rule applies. */
  readonly at?: FieldRef;
  /** The ServiceEntry of the host. */
  readonly entry: FieldRef;
  /** Its host: a wildcard where the ServiceEntry has one. */
  readonly host: string;
  /** The port that the ServiceEntry declares: the one that DestinationRules speak of. */
  readonly port: number;
  /** True when the port is one of TLS: by its protocol, or because 443 is dialled. */
  readonly isTlsPort: boolean;
  /** The port that is dialled with plain HTTP; absent where the stream is TLS. */
  readonly plaintextPort?: number;
  /** True where TLS is originated and a certificate of any name will do, as long as a trusted CA has signed it. */
  readonly acceptsAnyName?: boolean;
  /** True where the name that is expected is that of a workload (`spiffe://…`). */
  readonly expectsWorkload?: boolean;
  /** True where TLS is originated and the server's certificate is not verified. */
  readonly isUnverified?: boolean;
  /** A file that TLS is originated with, and that does not come with the proxy: whoever runs it has to mount the file. */
  readonly file?: { readonly field: string; readonly path: string };
  /** The Secret for whose sake a sidecar does not originate TLS at all, but sends what the application sends. */
  readonly droppedSecret?: string;
}

/** A destination of a route that the sidecar has no cluster for. */
export interface MissingDestination {
  readonly what: 'service' | 'port' | 'subset';
  readonly host: string;
  readonly port: number;
  readonly subset: string;
}

/** One way of a request: every stage that was reached, with what decided it. */
export interface Path {
  readonly from: Client;
  readonly to: Target;
  readonly outcome: Outcome;
  readonly stage: Stage;
  /** One clause that says why, for people. */
  readonly reason: string;
  /** The same for rules. */
  readonly cause?: Cause;
  /** The host for whose connections the sidecar took it, where that is another one: raw bytes carry no name. */
  readonly takenFor?: string;
  /** What keeps the sidecar from the listener: two of its chains claim it, those that decided. */
  readonly refusedClaim?: RefusedClaim;
  /** Where the sidecar's route leads to nothing. */
  readonly missing?: MissingDestination;
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  /** Present when the request reaches a server that asks policies. */
  readonly arrival?: Arrival;
  readonly authorization?: Authorization;
  readonly upstream?: Upstream;
  readonly origination?: Origination;
  readonly notes: readonly Note[];
  /** The resources and fields that decided, in the order of the stages; the last one decided the outcome. */
  readonly decidedBy: readonly FieldRef[];
  /** The other possible ways (weights, mirrors, alternative matches), worst first. */
  readonly alternatives: readonly Path[];
}
