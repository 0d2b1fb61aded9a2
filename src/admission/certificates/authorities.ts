import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { InputError } from '../../input-error.ts';
import type { Secret } from './certificate-objects.ts';
import { createAuthority, type KeyPair, startOf } from './issue-certificates.ts';
import { isNearlyOver, parseCertificates } from './trust.ts';
import type { ObservedTrust } from './webhook-configuration.ts';

/** A certificate authority that all replicas share. */
export interface Authority extends KeyPair {
  readonly certificate: X509Certificate;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** How long an authority lives, in milliseconds. */
export interface AuthorityTimes {
  readonly lifeMs: number;
  readonly now: number;
}

/**
 * The authorities that a Secret holds, oldest first.
 * @throws InputError if it holds something else.
 */
export function readAuthorities(data: Secret['data'], name: string): readonly Authority[] {
  const { 'ca.crt': certs, 'ca.key': keys } = data;
  if (Object.keys(data).length === 0) return [];
  const pairs = parseCertificates(certs ?? '').map((certificate) => ({ certificate, key: keyOf(certificate, keys) }));
  const authorities = pairs.flatMap(({ certificate, key }) =>
    key === undefined
      ? []
      : [{ certificate, key, cert: certificate.toString(), expires: certificate.validToDate.getTime() }],
  );
  if (authorities.length > 0 && authorities.length === pairs.length) return authorities.toSorted(byAge);
  throw new InputError(
    `Secret ${name} data: no authority of egress-guard is in 'ca.crt' and 'ca.key'; delete the Secret, or name another with --cert-secret`,
  );
}

/** What a Secret holds for `readAuthorities`. */
export function writeAuthorities(authorities: readonly Authority[]): Secret['data'] {
  const join = (pems: readonly string[]): string => pems.map((pem) => `${pem.trimEnd()}\n`).join('');
  return { 'ca.crt': join(authorities.map(({ cert }) => cert)), 'ca.key': join(authorities.map(({ key }) => key)) };
}

/**
 * The authorities that are to be shared from now on: without those that have expired, and with a new one where two thirds of the life of the
 * youngest are over. Undefined if nothing is to change.
 */
export async function nextAuthorities(
  authorities: readonly Authority[],
  { lifeMs, now }: AuthorityTimes,
): Promise<readonly Authority[] | undefined> {
  const living = authorities.filter(({ expires }) => expires > now);
  const isDue = (living.at(-1)?.expires ?? now) - now <= lifeMs / 3;
  if (isDue) return [...living, await newAuthority({ lifeMs, now })];
  return living.length < authorities.length ? living : undefined;
}

/**
 * The authority to sign with. The youngest, once API servers have had `settleMs` to learn of it; until then the one that signed what is
 * served now, and at a start the oldest: whoever trusts one of them trusts that.
 */
export function chooseAuthority(
  authorities: readonly Authority[],
  signer: Authority | undefined,
  { trust, settleMs, now }: { readonly trust: ObservedTrust; readonly settleMs: number; readonly now: number },
): Authority | undefined {
  const isUsable = ({ certificate }: Authority): boolean => !isNearlyOver(certificate, now);
  const isTrusted = ({ certificate }: Authority): boolean => trust.trusts([certificate], now);
  const usable = authorities.filter(isUsable);
  const trusted = usable.filter(isTrusted);
  if (signer === undefined || !isUsable(signer)) return trusted[0] ?? usable[0];
  if (isTrusted(signer)) return trust.unchangedMs >= settleMs ? (trusted.at(-1) ?? signer) : signer;
  return trusted[0] ?? signer;
}

async function newAuthority({ lifeMs, now }: AuthorityTimes): Promise<Authority> {
  const validity = { notBefore: startOf(now, lifeMs), notAfter: new Date(now + lifeMs) };
  const pair = await createAuthority('egress-guard CA', validity);
  const [authority] = readAuthorities({ 'ca.crt': pair.cert, 'ca.key': pair.key }, 'of a new authority');
  if (authority === undefined) throw new Error('a new authority cannot be read');
  return authority;
}

/** The key of an authority among PEM keys; undefined where it is not there, or the certificate is none that `createAuthority` has made. */
function keyOf(certificate: X509Certificate, keys = ''): string | undefined {
  const blocks = keys.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g) ?? [];
  if (!certificate.ca || certificate.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
  return blocks.find((block) => {
    try {
      return certificate.checkPrivateKey(createPrivateKey(block));
    } catch {
      return false;
    }
  });
}

function byAge(one: Authority, other: Authority): number {
  return one.certificate.validFromDate.getTime() - other.certificate.validFromDate.getTime();
}
