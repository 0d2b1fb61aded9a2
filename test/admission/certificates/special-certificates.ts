import type { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { KeyPair, Validity } from '../../../src/admission/certificates/issue-certificates.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** An authority that may sign others, by itself or by one above it. */
export function createRoot(name: string, validity: Validity, issuer?: KeyPair): Promise<KeyPair> {
  return create(name, [new BasicConstraintsExtension(true, 3, true)], { validity, issuer });
}

/** A certificate with which one may call servers, but not be one. */
export function createClientCertificate(dnsName: string, validity: Validity): Promise<KeyPair> {
  const extensions = [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }]),
  ];
  return create('client', extensions, { validity, issuer: undefined });
}

async function create(
  name: string,
  extensions: Extension[],
  { validity, issuer }: { readonly validity: Validity; readonly issuer: KeyPair | undefined },
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.create({
    ...validity,
    subject: [{ CN: [name] }],
    issuer: issuer ? new X509Certificate(issuer.cert).subjectName : [{ CN: [name] }],
    publicKey: keys.publicKey,
    signingKey: issuer ? await readKey(issuer.key) : keys.privateKey,
    signingAlgorithm,
    extensions,
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: `${cert.toString('pem')}\n`, key: PemConverter.encode(key, 'PRIVATE KEY') };
}

function readKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign']);
}
