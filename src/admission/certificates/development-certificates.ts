import 'reflect-metadata'; // @peculiar/x509 needs it, and before itself
import type { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Whom the certificate is for. */
export interface DevelopmentCertificateOptions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
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

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
const hour = 3_600_000;
const day = 24 * hour;

/**
 * A fresh certificate authority and a server certificate signed by it, for development and demos.
 * Valid from an hour ago, so that clocks may differ, for exactly the given names.
 */
export async function createDevelopmentCertificates(
  options: DevelopmentCertificateOptions,
): Promise<DevelopmentCertificates> {
  const now = Date.now();
  const validity = { notBefore: new Date(now - hour), notAfter: new Date(now + (options.validDays ?? 365) * day) };
  const caKeys = await createKeys();
  const serverKeys = await createKeys();
  const ca = await createAuthority(caKeys, validity);
  const cert = await createServerCertificate(options, serverKeys, ca, caKeys, validity);
  const key = await crypto.subtle.exportKey('pkcs8', serverKeys.privateKey);
  return {
    ca: toFile(ca.toString('pem')),
    cert: toFile(cert.toString('pem')),
    key: toFile(PemConverter.encode(key, 'PRIVATE KEY')),
  };
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

async function createAuthority(keys: webcrypto.CryptoKeyPair, validity: Validity): Promise<X509Certificate> {
  return X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: createSerialNumber(),
    name: [{ CN: ['egress-guard development CA'] }],
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

async function createServerCertificate(
  { dnsNames, ipAddresses }: DevelopmentCertificateOptions,
  keys: webcrypto.CryptoKeyPair,
  issuer: X509Certificate,
  issuerKeys: webcrypto.CryptoKeyPair,
  validity: Validity,
): Promise<X509Certificate> {
  const names = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  return X509CertificateGenerator.create({
    ...validity,
    serialNumber: createSerialNumber(),
    subject: [{ CN: ['egress-guard'] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names),
      await AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

/** 126 random bits in 16 bytes whose first bits are 01: positive, and never shortened (RFC 5280 §4.1.2.2). */
function createSerialNumber(): string {
  const bytes = crypto.getRandomValues(Buffer.alloc(16));
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

function toFile(pem: string): string {
  return `${pem.trimEnd()}\n`;
}
