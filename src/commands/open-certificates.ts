import { resolve } from 'node:path';
import { watchCertificateFiles } from '../admission/certificates/certificate-files.ts';
import type { CertificateRecorder, CertificateSource } from '../admission/certificates/certificate-source.ts';
import { type CertificateTimes, openClusterCertificates } from '../admission/certificates/open-cluster-certificates.ts';
import type { KubernetesClient } from '../sources/cluster/kubernetes-client.ts';
import type { ServeOptions } from './serve-options.ts';

/** Where certificates may come from. */
export interface CertificateOrigins {
  readonly cwd: string;
  /** Undefined where there is no cluster. */
  readonly client: KubernetesClient | undefined;
  readonly times: CertificateTimes | undefined;
}

/** Opens the certificate of a webhook: from files or a cluster, which are followed, or made up for this run, which is said. */
export async function openCertificates(
  { certificate, host, port }: ServeOptions,
  { cwd, client, times }: CertificateOrigins,
  recorder: CertificateRecorder,
): Promise<CertificateSource> {
  if (certificate.from === 'files') {
    const files = { cert: resolve(cwd, certificate.cert), key: resolve(cwd, certificate.key) };
    return watchCertificateFiles(files, recorder);
  }
  if (certificate.from === 'cluster' && client)
    return openClusterCertificates(certificate, { client, times, ...recorder });
  // Making certificates takes a library that serving them does not need.
  const { createDevelopmentCertificateSource } = await import(
    '../admission/certificates/development-certificate-source.ts'
  );
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...(isUnspecified(host) ? [] : [host])])];
  const source = await createDevelopmentCertificateSource(names);
  recorder.log.warn('serving with a certificate made up for this run; --tls-cert and --tls-key name one that lasts', {
    names,
    caFile: source.caFile,
    usage: `curl --cacert ${source.caFile} https://localhost:${port}/validate`,
  });
  return source;
}

/** True for the addresses that mean all of this machine's. */
function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
