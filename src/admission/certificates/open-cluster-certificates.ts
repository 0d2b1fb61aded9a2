import type { KubernetesClient } from '../../sources/cluster/kubernetes-client.ts';
import { type CertificateObjectNames, type CertificateObjects, certificateObjects } from './certificate-objects.ts';
import type { CertificateRecorder } from './certificate-source.ts';
import { type CertificateMode, type CertificateWaits, ClusterCertificateSource } from './cluster-certificate-source.ts';
import { SecretMode } from './secret-mode.ts';
import type { CertificateLives } from './self-managed-mode.ts';

/** Who makes certificates: this webhook, cert-manager, or someone else by hand. */
export type ClusterTlsMode = 'self-managed' | 'cert-manager' | 'existing-secret';

/** Which certificate is kept where. */
export interface ClusterCertificateOptions extends CertificateObjectNames {
  readonly mode: ClusterTlsMode;
}

/** How long certificates live, and what is waited for while they change. */
export interface CertificateTimes {
  readonly lives: CertificateLives;
  readonly waits: CertificateWaits;
}

/** What keeping certificates takes. */
export interface ClusterCertificatesDependencies extends CertificateRecorder {
  readonly client: KubernetesClient;
  /** Default: those that suit a cluster, for which a test would have to wait for months. */
  readonly times?: CertificateTimes | undefined;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number;
}

const day = 86_400_000;

const defaultTimes: CertificateTimes = {
  /** A third of it is left when each is renewed: four months and two days, in which whoever looks after the cluster can mend what hinders it. */
  lives: { authorityMs: 365 * day, leafMs: 7 * day },
  /** API servers hear of a change by a watch, in well under a second; a minute also covers one that has to connect anew. */
  waits: { pollMs: 10_000, settleMs: 60_000, retireMs: 600_000 },
};

/** Keeps the certificate of the webhook in a cluster until the source is closed. There may be none yet: that depends on others, and may take its time. */
export async function openClusterCertificates(
  options: ClusterCertificateOptions,
  deps: ClusterCertificatesDependencies,
): Promise<ClusterCertificateSource> {
  const { webhookConfiguration } = options;
  const { client, times = defaultTimes, now = Date.now, log, metrics } = deps;
  const { waits } = times;
  const objects = certificateObjects(client, options);
  const mode = await openMode({ ...options, ...times }, { objects, now, log });
  const source = new ClusterCertificateSource({ mode, objects, webhookConfiguration, waits, now, log, metrics });
  source.start();
  return source;
}

async function openMode(
  options: ClusterCertificateOptions & CertificateTimes,
  deps: Pick<CertificateRecorder, 'log'> & { readonly objects: CertificateObjects; readonly now: () => number },
): Promise<CertificateMode> {
  const { mode, namespace, service, lives, waits } = options;
  const common = { ...deps, secret: `${namespace}/${options.secret}`, dnsName: `${service}.${namespace}.svc`, waits };
  if (mode !== 'self-managed') return new SecretMode({ ...common, givesAuthorities: mode === 'existing-secret' });
  const { SelfManagedMode } = await import('./self-managed-mode.ts'); // signing takes a library that serving does not need
  return new SelfManagedMode({ ...common, lives });
}
