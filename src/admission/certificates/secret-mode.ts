import { X509Certificate } from 'node:crypto';
import { InputError } from '../../input-error.ts';
import type { CertificateObjects } from './certificate-objects.ts';
import { parseCertificate, type ServingCertificate } from './certificate-source.ts';
import type { CertificateMode, CertificateWaits } from './cluster-certificate-source.ts';
import { isNearlyOver, isTrusted, parseCertificates } from './trust.ts';
import type { ObservedTrust } from './webhook-configuration.ts';

/** What serving the certificate of a Secret takes. */
export interface SecretDependencies {
  readonly objects: Pick<CertificateObjects, 'readSecret'>;
  /** `namespace/name` of the Secret, for messages. */
  readonly secret: string;
  /** The DNS name that the API server calls. */
  readonly dnsName: string;
  /** True if the webhook configuration is given the `ca.crt` of the Secret; false where another controller sees to that. */
  readonly givesAuthorities: boolean;
  readonly waits: Pick<CertificateWaits, 'settleMs'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Someone else keeps certificate, key and authorities in a Secret. A new certificate is served once the API servers trust it, or where
 * they do not trust the one before either.
 */
export class SecretMode implements CertificateMode {
  readonly #deps: SecretDependencies;
  #offered: ServingCertificate | undefined;
  #authorities: readonly X509Certificate[] = [];

  constructor(deps: SecretDependencies) {
    this.#deps = deps;
  }

  async read(): Promise<boolean> {
    const { secret, objects } = this.#deps;
    const stored = await objects.readSecret();
    if (stored === undefined) {
      throw new InputError(`Secret ${secret} is not there; create it, or name another with --cert-secret`);
    }
    const { 'tls.crt': cert = '', 'tls.key': key = '', 'ca.crt': authorities = '' } = stored.data;
    const names = { cert: `tls.crt of Secret ${secret}`, key: `tls.key of Secret ${secret}` };
    const offered = parseCertificate(cert, key, names);
    const given = parseCertificates(authorities);
    const because = this.#refusal(parseCertificates(cert), given);
    if (because !== undefined) throw new InputError(`Secret ${secret} ${because}`);
    this.#offered = offered;
    this.#authorities = given;
    return true;
  }

  authorities(): readonly X509Certificate[] | undefined {
    return this.#deps.givesAuthorities && this.#authorities.length > 0 ? this.#authorities : undefined;
  }

  async choose(current: ServingCertificate | undefined, trust: ObservedTrust): Promise<ServingCertificate | undefined> {
    const offered = this.#offered;
    if (offered === undefined || (offered.cert === current?.cert && offered.key === current.key)) return undefined;
    const now = this.#deps.now();
    const isAccepted = ({ cert }: ServingCertificate): boolean => trust.trusts(parseCertificates(cert), now);
    const isCurrentGood =
      current !== undefined && !isNearlyOver(new X509Certificate(current.cert), now) && isAccepted(current);
    const isSettled = trust.unchangedMs >= this.#deps.waits.settleMs && isAccepted(offered);
    return isSettled || !isCurrentGood ? offered : undefined;
  }

  /** What speaks against a certificate, leaf first, and what is given to API servers for it. */
  #refusal(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): string | undefined {
    const { dnsName, givesAuthorities, now } = this.#deps;
    const [leaf] = chain;
    if (leaf?.checkHost(dnsName, { subject: 'never' }) === undefined) {
      return `tls.crt: the certificate is not for '${dnsName}'; have it issued with that DNS name`;
    }
    if (!isForServers(leaf)) {
      return 'tls.crt: the certificate is not for servers; have it issued with the extended key usage serverAuth';
    }
    if (!givesAuthorities || authorities.length === 0 || isTrusted(chain, authorities, now())) return undefined;
    return 'ca.crt: who trusts it does not trust tls.crt now; put the authority there that signed it, or renew what has expired';
  }
}

const anyExtendedKeyUsage = '2.5.29.37.0';
const serverAuth = '1.3.6.1.5.5.7.3.1';

function isForServers({ keyUsage }: X509Certificate): boolean {
  const usages: readonly string[] | undefined = keyUsage; // no list restricts nothing
  return usages?.some((usage) => usage === serverAuth || usage === anyExtendedKeyUsage) ?? true;
}
