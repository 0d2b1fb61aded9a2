import type { FieldRef } from '../istio/resources.ts';

/** What the application speaks; `tls` is its own TLS, with SNI = host. */
export type AppProtocol = 'http' | 'tls' | 'tcp';

/** What becomes of a request (design: the outcome table of the README). */
export type Outcome = 'allowed' | 'denied' | 'direct' | 'blocked' | 'broken' | 'misrouted';

/** Where a path ended, in the order in which a request passes. */
export type Stage = 'capture' | 'hop' | 'server' | 'authorization' | 'route' | 'upstream';

/** TLS as a client opens it. `DISABLE` is plaintext, or the application's own bytes forwarded as they are. */
export type ClientTlsMode = 'ISTIO_MUTUAL' | 'MUTUAL' | 'SIMPLE' | 'DISABLE';

/** What is worth knowing about an upstream connection besides its outcome. */
export type Note = 'plaintext' | 'tls-in-tls' | 'unverified';

/** Who sends: a namespace and a service account in it. */
export interface Client {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** What is asked for. */
export interface Target {
  readonly protocol: AppProtocol;
  readonly host: string;
  readonly port: number;
}

/** The leg from the client's sidecar to the egress gateway. */
export interface Hop {
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
  /** The VirtualService destination that chose this hop. */
  readonly routeAt: FieldRef;
  /** Where the TLS settings come from: the field that sets them, or where one would have to. */
  readonly tlsAt?: FieldRef;
}

/** The gateway server whose filter chain took the connection. */
export interface ServerMatch {
  /** `namespace/name` of the Gateway. */
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

/** One way of a request: every stage that was reached, with what decided it. */
export interface Path {
  readonly from: Client;
  readonly to: Target;
  readonly outcome: Outcome;
  readonly stage: Stage;
  /** One clause that says why, for people. */
  readonly reason: string;
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  readonly authorization?: Authorization;
  readonly upstream?: Upstream;
  readonly notes: readonly Note[];
  /** The resources and fields that decided, in the order of the stages; the last one decided the outcome. */
  readonly decidedBy: readonly FieldRef[];
  /** The other possible ways (weights, mirrors, alternative matches), worst first. */
  readonly alternatives: readonly Path[];
}
