import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
} from '../../../src/admission/certificates/issue-certificates.ts';
import { isTrusted, parseCertificates } from '../../../src/admission/certificates/trust.ts';
import { createRoot } from './special-certificates.ts';

const hour = 3_600_000;
const start = Date.UTC(2030, 0, 1);
const validity = { notBefore: new Date(start), notAfter: new Date(start + 2 * hour) };
const now = start + hour;

let root: KeyPair;
let other: KeyPair;
let leaf: KeyPair;

const chainOf = (...pairs: readonly KeyPair[]) => pairs.map(({ cert }) => new X509Certificate(cert));

beforeAll(async () => {
  root = await createAuthority('CA', validity);
  other = await createAuthority('CA', validity); // of the same name
  leaf = await issueCertificate(root, { dnsNames: ['a.svc'], ipAddresses: [] }, validity);
});

describe('a certificate is trusted', () => {
  test('by who trusts its authority, also beside another one of the same name', () => {
    expect(isTrusted(chainOf(leaf), chainOf(root), now)).toBe(true);
    expect(isTrusted(chainOf(leaf), chainOf(other, root), now)).toBe(true);
  });

  test('by who trusts itself', () => {
    expect(isTrusted(chainOf(leaf), chainOf(leaf), now)).toBe(true);
  });

  test('not by who trusts another one, or nobody', () => {
    expect(isTrusted(chainOf(leaf), chainOf(other), now)).toBe(false);
    expect(isTrusted(chainOf(leaf), [], now)).toBe(false);
    expect(isTrusted([], chainOf(root), now)).toBe(false);
  });

  test('by who trusts an authority above, where those between come with it in any order', async () => {
    const top = await createRoot('top', validity);
    const upper = await createRoot('upper', validity, top);
    const lower = await createRoot('lower', validity, upper);
    const server = await issueCertificate(lower, { dnsNames: ['a.svc'], ipAddresses: [] }, validity);
    for (const between of [
      [lower, upper],
      [upper, lower],
    ]) {
      expect(isTrusted(chainOf(server, ...between), chainOf(top), now)).toBe(true);
    }
    expect(isTrusted(chainOf(server, lower), chainOf(upper), now)).toBe(true); // which is not the end of the chain
    expect(isTrusted(chainOf(server, lower), chainOf(top), now)).toBe(false);
    expect(isTrusted(chainOf(server, lower, upper, top), chainOf(other), now)).toBe(false);
  });

  test('not because its issuer comes with it', () => {
    expect(isTrusted(chainOf(leaf, root), chainOf(other), now)).toBe(false);
  });

  test.each([
    ['before', start - 1_000, false],
    ['from', start, true],
    ['until', start + 2 * hour, true],
    ['after', start + 2 * hour + 1_000, false],
  ])('while it is valid: %s', (_when, at, isValid) => {
    expect(isTrusted(chainOf(leaf), chainOf(root), at)).toBe(isValid);
    expect(isTrusted(chainOf(leaf), chainOf(leaf), at)).toBe(isValid);
  });

  test('not where its authority has expired', async () => {
    const later = { notBefore: validity.notBefore, notAfter: new Date(start + 9 * hour) };
    const long = await issueCertificate(root, { dnsNames: ['a.svc'], ipAddresses: [] }, later);
    expect(isTrusted(chainOf(long), chainOf(root), now)).toBe(true);
    expect(isTrusted(chainOf(long), chainOf(root), start + 3 * hour)).toBe(false);
  });

  test('not where a server has signed it', async () => {
    const forged = await issueCertificate(leaf, { dnsNames: ['b.svc'], ipAddresses: [] }, validity);
    expect(isTrusted(chainOf(forged, leaf), chainOf(root), now)).toBe(false);
    expect(isTrusted(chainOf(forged), chainOf(leaf), now)).toBe(false);
  });
});

describe('PEM text', () => {
  test('may hold several certificates, and what is none does not matter', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const text = `# ours\n${root.cert}${broken}${root.key}${other.cert}`;
    expect(parseCertificates(text).map(({ raw }) => raw)).toEqual(chainOf(root, other).map(({ raw }) => raw));
    expect(parseCertificates('no PEM')).toEqual([]);
  });
});
