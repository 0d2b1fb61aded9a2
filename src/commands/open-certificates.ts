import { resolve } from 'node:path';
import { watchCertificateFiles } from '../admission/certificates/certificate-files.ts';
import type { CertificateRecorder, CertificateSource } from '../admission/certificates/certificate-source.ts';
import type { ServeOptions } from './serve-options.ts';

/** Opens the certificate of a webhook without a cluster: from files, which are followed, or made up for this run, which is said. */
export async function openCertificates(
  { certificate, host, port }: ServeOptions,
  cwd: string,
  recorder: CertificateRecorder,
): Promise<CertificateSource> {
  if (certificate.from === 'files') {
    const files = { cert: resolve(cwd, certificate.cert), key: resolve(cwd, certificate.key) };
    return watchCertificateFiles(files, recorder);
  }
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
