import { randomInt, type X509Certificate } from 'node:crypto';
import type { Log } from '../log.ts';
import { type Authority, chooseAuthority, nextAuthorities, readAuthorities, writeAuthorities } from './authorities.ts';
import type { CertificateObjects } from './certificate-objects.ts';
import type { ServingCertificate } from './certificate-source.ts';
import type { CertificateMode, CertificateWaits } from './cluster-certificate-source.ts';
import { issueCertificate, startOf } from './issue-certificates.ts';
import type { ObservedTrust } from './webhook-configuration.ts';

/** How long certificates live, in milliseconds. */
export interface CertificateLives {
  readonly authorityMs: number;
  readonly leafMs: number;
}

/** What making certificates takes. */
export interface SelfManagedDependencies {
  readonly objects: Pick<CertificateObjects, 'readSecret' | 'createSecret' | 'updateSecret'>;
  /** `namespace/name` of the Secret, for messages. */
  readonly secret: string;
  /** The DNS name that the API server calls. */
  readonly dnsName: string;
  readonly lives: CertificateLives;
  readonly waits: Pick<CertificateWaits, 'settleMs'>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Replicas share an authority by a Secret, which the first of them creates, and each signs a certificate of its own, in memory. When the
 * authority grows old, a second one joins it. All replicas go through that alone and in step with what they see: none tells another anything.
 */
export class SelfManagedMode implements CertificateMode {
  readonly #deps: SelfManagedDependencies;
  #authorities: readonly Authority[] = [];
  #signer: Authority | undefined;
  #renewAt = 0;

  constructor(deps: SelfManagedDependencies) {
    this.#deps = deps;
  }

  async read(): Promise<boolean> {
    const { lives, log, now, objects, secret } = this.#deps;
    const stored = await objects.readSecret();
    const authorities = readAuthorities(stored?.data ?? {}, secret);
    const next = await nextAuthorities(authorities, { lifeMs: lives.authorityMs, now: now() });
    if (next !== undefined) {
      const data = writeAuthorities(next);
      const isDone = await (stored ? objects.updateSecret(stored, data) : objects.createSecret(data));
      if (!isDone) return false;
      log.info('certificate authorities changed', { authorities: next.map(serialNumber) });
    }
    this.#authorities = next ?? authorities;
    return true;
  }

  authorities(): readonly X509Certificate[] {
    return this.#authorities.map(({ certificate }) => certificate);
  }

  async choose(
    _current: ServingCertificate | undefined,
    trust: ObservedTrust,
  ): Promise<ServingCertificate | undefined> {
    const now = this.#deps.now();
    const { settleMs } = this.#deps.waits;
    const authority = chooseAuthority(this.#authorities, this.#signer, { trust, settleMs, now });
    const isSame = authority?.cert === this.#signer?.cert;
    if (authority === undefined || (isSame && now < this.#renewAt)) return undefined;
    this.#signer = authority;
    return this.#sign(authority, now);
  }

  async #sign(authority: Authority, now: number): Promise<ServingCertificate> {
    const { dnsName, lives } = this.#deps;
    const expires = Math.min(now + lives.leafMs, authority.expires);
    const validity = { notBefore: startOf(now, lives.leafMs), notAfter: new Date(expires) };
    const pair = await issueCertificate(authority, { dnsNames: [dnsName], ipAddresses: [] }, validity);
    // At two thirds of its life, or up to a tenth of it sooner: not all replicas at once.
    this.#renewAt = now + ((expires - now) * (2 / 3) * (90 + randomInt(11))) / 100;
    return { ...pair, expires };
  }
}

function serialNumber({ certificate }: Authority): string {
  return certificate.serialNumber;
}
