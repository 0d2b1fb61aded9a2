import { X509Certificate } from 'node:crypto';

/** The certificates in PEM text. What is none is left out, as Go leaves it out (crypto/x509 CertPool.AppendCertsFromPEM). */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/**
 * True if a client with these authorities accepts a chain, leaf first, at that time in milliseconds since the epoch. Any of the
 * authorities ends a chain, also one that another has signed. Source: Go crypto/x509 Certificate.Verify.
 */
export function isTrusted(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: number,
): boolean {
  const [leaf, ...issuers] = chain;
  if (leaf === undefined || !isValidAt(leaf, now)) return false;
  return includes(authorities, leaf) || hasIssuer(leaf, { issuers, authorities, now });
}

/** True if a list holds this very certificate. */
export function includes(certificates: readonly X509Certificate[], certificate: X509Certificate): boolean {
  return certificates.some(({ raw }) => raw.equals(certificate.raw));
}

interface Surroundings {
  readonly issuers: readonly X509Certificate[];
  readonly authorities: readonly X509Certificate[];
  readonly now: number;
}

function hasIssuer(certificate: X509Certificate, { issuers, authorities, now }: Surroundings): boolean {
  const isIssuer = (other: X509Certificate): boolean =>
    other.ca && isValidAt(other, now) && certificate.checkIssued(other) && certificate.verify(other.publicKey);
  if (authorities.some(isIssuer)) return true;
  return issuers.some(
    (issuer, index) =>
      isIssuer(issuer) && hasIssuer(issuer, { issuers: issuers.toSpliced(index, 1), authorities, now }),
  );
}

/** True if so little of its life is left that another one is to take its place at once: a hundredth. */
export function isNearlyOver({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validToDate.getTime() - now < (validToDate.getTime() - validFromDate.getTime()) / 100;
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now <= validToDate.getTime();
}
