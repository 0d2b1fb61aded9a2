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
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key (PKCS #8), PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What a server is called. */
export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** From when to when a certificate is valid; both inclusive, in whole seconds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** So much may the clocks of clients differ, in milliseconds: an hour. */
const backdateMs = 3_600_000;

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** From when on a certificate is valid that is made now, in milliseconds since the epoch: earlier, by no more than it is to live. */
export function startOf(now: number, lifeMs: number): Date {
  return new Date(now - Math.min(backdateMs, lifeMs));
}

/** Makes a certificate authority with a key of its own, P-256, which may sign certificates of servers and nothing else. */
export async function createAuthority(name: string, validity: Validity): Promise<KeyPair> {
  const keys = await createKeys();
  const cert = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: createSerialNumber(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(cert, keys);
}

/** Makes the certificate of a server, for exactly these names, with a key of its own, signed by an authority of `createAuthority`. */
export async function issueCertificate(
  authority: KeyPair,
  { dnsNames, ipAddresses }: ServerNames,
  validity: Validity,
): Promise<KeyPair> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await createKeys();
  const names = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const cert = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: createSerialNumber(),
    subject: [{ CN: ['egress-guard'] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readKey(authority.key),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(cert, keys);
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

async function readKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign']);
}

async function pairOf(cert: X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Promise<KeyPair> {
  const key = await crypto.subtle.exportKey('pkcs8', privateKey);
  return { cert: toFile(cert.toString('pem')), key: toFile(PemConverter.encode(key, 'PRIVATE KEY')) };
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
