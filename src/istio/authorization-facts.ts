import { spiffeUri } from './string-match.ts';

/** Who a gateway's filters see behind a connection. */
export type Identity =
  /** No client certificate: plaintext, SIMPLE, PASSTHROUGH, AUTO_PASSTHROUGH. */
  | { readonly kind: 'none' }
  /** A workload certificate of the mesh (ISTIO_MUTUAL). */
  | {
      readonly kind: 'spiffe';
      readonly trustDomain: string;
      readonly namespace: string;
      readonly serviceAccount: string;
      /** `spiffe://TRUSTDOMAIN/ns/NAMESPACE/sa/ACCOUNT`: what is compared. */
      readonly uri: string;
    }
  /** A certificate of the users' own, of which nothing is known (MUTUAL), or perhaps none (OPTIONAL_MUTUAL). */
  | { readonly kind: 'unknown' };

/** What is known about the requests of one path when they reach the gateway's RBAC filters. */
export interface Facts {
  /** `http` where the filter chain routes HTTP; `tcp` where it forwards bytes. */
  readonly chain: 'http' | 'tcp';
  readonly identity: Identity;
  /** The SNI of the connection as Envoy sees it: in lower case, empty if the client sent none. Undefined on plaintext. */
  readonly sni: string | undefined;
  /** True on PASSTHROUGH, where the application itself chooses the SNI; `sni` is then that of the concrete request. */
  readonly sniIsClients: boolean;
  /** The port that the gateway's pod listens on. */
  readonly podPort: number;
  /** The host that is asked for, in lower case. */
  readonly host: string;
  /** The authority of the concrete request, in lower case: the host, with `:port` where the port is not 80. */
  readonly authority: string;
  /** False where a route sets the authority (rewrite), so that no client adds a port to it. */
  readonly authorityIsClients: boolean;
  /** True where not one request is meant but all that the client may send: under any authority. */
  readonly isAnyAuthority?: boolean;
  /** The IP address of the client's pod, where it is known. */
  readonly clientAddress?: string;
}

/** No identity at all. */
export const noIdentity: Identity = { kind: 'none' };

/** An identity of which nothing is known. */
export const unknownIdentity: Identity = { kind: 'unknown' };

/** The identity of a workload of the mesh. */
export function workloadIdentity(trustDomain: string, namespace: string, serviceAccount: string): Identity {
  return {
    kind: 'spiffe',
    trustDomain,
    namespace,
    serviceAccount,
    uri: spiffeUri(trustDomain, namespace, serviceAccount),
  };
}
