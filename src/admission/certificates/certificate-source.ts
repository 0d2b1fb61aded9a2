import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { InputError } from '../../input-error.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';

/** A certificate with its key, checked to belong together. */
export interface ServingCertificate {
  /** PEM: the leaf, then its issuers. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** When the leaf expires, in milliseconds since the epoch. */
  readonly expires: number;
}

/** Where the served certificate comes from: files, or a Secret of the cluster. */
export interface CertificateSource {
  /** The certificate to serve now; undefined while none is known. */
  current(): ServingCertificate | undefined;
  /** Calls `listener` with every later certificate. */
  onChange(listener: (certificate: ServingCertificate) => void): void;
  /** Why API servers cannot call with it, one clause each; its expiry is not among them. Empty where they can, as far as is known. */
  notReadyReasons(): readonly string[];
  close(): void;
}

/** Where a source leaves its trace. */
export interface CertificateRecorder {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'inputBroken'>;
}

/** The names by which messages call the two parts of a certificate. */
export interface CertificateNames {
  readonly cert: string;
  readonly key: string;
}

/**
 * Checks a PEM certificate and its PEM key.
 * @throws InputError if one of them cannot be read, or they do not belong together.
 */
export function parseCertificate(cert: string, key: string, names: CertificateNames): ServingCertificate {
  const leaf = parse(names.cert, 'a PEM certificate', () => new X509Certificate(cert));
  const privateKey: KeyObject = parse(names.key, 'an unencrypted PEM private key', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new InputError(`key '${names.key}' is not the key of certificate '${names.cert}'; give the two of one pair`);
  }
  parse(names.cert, 'a certificate that TLS accepts', () => createSecureContext({ cert, key })); // refuses weak keys
  return { cert, key, expires: leaf.validToDate.getTime() };
}

function parse<T>(name: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new InputError(`'${name}' is not ${what}; convert it, or name another one`, undefined, { cause });
  }
}
