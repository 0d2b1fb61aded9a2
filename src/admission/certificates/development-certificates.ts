import { createAuthority, issueCertificate, type ServerNames, startOf } from './issue-certificates.ts';

/** Whom the certificate is for. */
export interface DevelopmentCertificateOptions extends ServerNames {
  /** From now on; default 365. */
  readonly validDays?: number;
}

/** PEM text. The key of the authority is not kept: it signs this one certificate. */
export interface DevelopmentCertificates {
  /** The certificate of the authority, which a client trusts. */
  readonly ca: string;
  /** The certificate of the server. */
  readonly cert: string;
  /** The private key of the server, PKCS #8. */
  readonly key: string;
}

const day = 86_400_000;

/**
 * A fresh certificate authority and a server certificate signed by it, for development and demos.
 * Valid from an hour ago, so that clocks may differ, for exactly the given names.
 */
export async function createDevelopmentCertificates(
  options: DevelopmentCertificateOptions,
): Promise<DevelopmentCertificates> {
  const now = Date.now();
  const notAfter = new Date(now + (options.validDays ?? 365) * day);
  const validity = { notBefore: startOf(now, day), notAfter };
  const authority = await createAuthority('egress-guard development CA', validity);
  return { ca: authority.cert, ...(await issueCertificate(authority, options, validity)) };
}
