import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../input-error.ts';
import { type CertificateSource, parseCertificate } from './certificate-source.ts';
import { createDevelopmentCertificates } from './development-certificates.ts';

/** A certificate that was made up for one run. */
export interface DevelopmentCertificateSource extends CertificateSource {
  /** The PEM file of the authority that clients are to trust; `close` removes it. */
  readonly caFile: string;
}

/**
 * Makes a certificate for names and IP addresses, and tells clients of its authority by a file in the folder for temporary files.
 * @throws InputError if that folder cannot be written to.
 */
export async function createDevelopmentCertificateSource(
  names: readonly string[],
): Promise<DevelopmentCertificateSource> {
  const { ca, cert, key } = await createDevelopmentCertificates({
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
  });
  const certificate = parseCertificate(cert, key, { cert: 'development certificate', key: 'its key' });
  const folder = writeAuthority(ca);
  return {
    caFile: join(folder, caName),
    current: () => certificate,
    onChange: () => undefined, // it serves this run only
    notReadyReasons: () => [], // it is not for this process to see whom API servers trust
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const caName = 'ca.crt';

function writeAuthority(ca: string): string {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'egress-guard-'));
    writeFileSync(join(folder, caName), ca);
    return folder;
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    const message = `cannot write a development certificate to '${tmpdir()}'${reason}; name one with --tls-cert and --tls-key`;
    throw new InputError(message, undefined, { cause });
  }
}
