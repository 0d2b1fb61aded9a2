import type { ClusterCertificateOptions, ClusterTlsMode } from '../admission/certificates/open-cluster-certificates.ts';
import { InputError } from '../input-error.ts';

/** Flags of `serve` as they are written. */
export interface ServeFlags {
  readonly files: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly settings?: string;
  readonly host: string;
  readonly port: string;
  readonly opsPort: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsMode?: string;
  readonly certSecret?: string;
  readonly webhookConfiguration?: string;
  readonly service?: string;
  readonly namespace?: string;
  readonly shutdownDelay: string;
}

/** Where the webhook learns of the mesh. */
type MeshSource = { readonly from: 'files'; readonly paths: readonly string[] } | { readonly from: 'cluster' };

/** Where the serving certificate comes from. */
type CertificateOrigin =
  /** PEM files, which are followed when they change. */
  | { readonly from: 'files'; readonly cert: string; readonly key: string }
  /** Made up at every start, for development. */
  | { readonly from: 'nowhere' }
  /** Kept in a Secret of the cluster. */
  | ({ readonly from: 'cluster' } & ClusterCertificateOptions);

/** What `serve` does. */
export interface ServeOptions {
  readonly mesh: MeshSource;
  readonly certificate: CertificateOrigin;
  readonly settings?: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly opsPort: number;
  readonly shutdownDelayMs: number;
}

/** Flags that only mean something where the mesh comes from a cluster. */
const connectionFlags = ['kubeconfig', 'context'] as const;

/** Flags that only mean something where the certificate comes from a cluster. */
const clusterFlags = ['tlsMode', 'certSecret', 'webhookConfiguration', 'service', 'namespace'] as const;

const tlsModes: readonly ClusterTlsMode[] = ['self-managed', 'cert-manager', 'existing-secret'];

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** Reads the flags of `serve`. Throws an InputError for values and combinations that mean nothing. */
export function parseServeFlags(flags: ServeFlags, env: Readonly<Record<string, string | undefined>>): ServeOptions {
  const unconnected = connectionFlags.find((name) => flags[name] !== undefined);
  if (unconnected && flags.files.length > 0)
    throw new InputError(`${flagOf(unconnected)} has no meaning with --files; drop one of them`);
  return {
    mesh: flags.files.length > 0 ? { from: 'files', paths: flags.files } : { from: 'cluster' },
    certificate: certificateOf(flags, env),
    ...(flags.settings !== undefined && { settings: flags.settings }),
    host: flags.host,
    port: parsePort('--port', flags.port),
    opsPort: parsePort('--ops-port', flags.opsPort),
    shutdownDelayMs: parseDuration('--shutdown-delay', flags.shutdownDelay),
  };
}

function certificateOf(flags: ServeFlags, env: Readonly<Record<string, string | undefined>>): CertificateOrigin {
  const { tlsCert: cert, tlsKey: key } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new InputError('--tls-cert and --tls-key belong together; give both');
  const misplaced = clusterFlags.find((name) => flags[name] !== undefined);
  if (cert !== undefined && key !== undefined) {
    if (misplaced) throw new InputError(`${flagOf(misplaced)} has no meaning with --tls-cert; drop one of them`);
    return { from: 'files', cert, key };
  }
  if (flags.files.length === 0) return clusterCertificate(flags, env);
  if (misplaced) throw new InputError(`${flagOf(misplaced)} has no meaning with --files; drop one of them`);
  return { from: 'nowhere' };
}

function clusterCertificate(flags: ServeFlags, env: Readonly<Record<string, string | undefined>>): CertificateOrigin {
  const mode = tlsModes.find((known) => known === (flags.tlsMode ?? 'self-managed'));
  if (!mode) throw new InputError(`--tls-mode '${flags.tlsMode}' is none of ${tlsModes.join(', ')}; choose one`);
  const namespace = flags.namespace ?? env['POD_NAMESPACE'];
  if (!namespace)
    throw new InputError('the namespace of the webhook is not known; give --namespace or set POD_NAMESPACE');
  return {
    from: 'cluster',
    mode,
    secret: flags.certSecret ?? 'egress-guard-certificate',
    webhookConfiguration: flags.webhookConfiguration ?? 'egress-guard',
    service: flags.service ?? 'egress-guard',
    namespace,
  };
}

function flagOf(name: (typeof clusterFlags | typeof connectionFlags)[number]): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function parsePort(flag: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InputError(`${flag} '${text}' is no port; write 0 to 65535`);
}

function parseDuration(flag: string, text: string): number {
  const [, amount, unit = ''] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  const factor = unitMs[unit];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new InputError(`${flag} '${text}' is no duration; write it as 10s, 500ms or 1m`);
}
