import { createPrivateKey } from 'node:crypto';
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
  type Validity,
} from '../../src/admission/certificates/issue-certificates.ts';
import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';

/** The Certificate of the chart for its webhook. */
const certificate = ['certificate.cert-manager.io', 'egress-guard-certificate', '--namespace', 'egress-guard'];

const namespace = 'egress-guard';
const day = 86_400_000;

/** A new authority, as whoever issues certificates has one. */
export function newAuthority(name: string): Promise<KeyPair> {
  return createAuthority(name, validity());
}

/** A new certificate for the webhook. */
export function newCertificate(
  authority: KeyPair,
  dnsNames: readonly string[] = ['egress-guard.egress-guard.svc'],
): Promise<KeyPair> {
  return issueCertificate(authority, { dnsNames, ipAddresses: [] }, validity());
}

/** Puts a certificate into a Secret, whatever was there. */
export async function keepInSecret(
  { kubectl }: ControlPlane,
  name: string,
  { cert, key, ca }: KeyPair & { readonly ca: string },
  annotations: Readonly<Record<string, string>> = {},
): Promise<void> {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, annotations },
    type: 'kubernetes.io/tls',
    stringData: {
      'tls.crt': cert,
      'tls.key': createPrivateKey(key).export({ type: 'sec1', format: 'pem' }),
      'ca.crt': ca,
    },
  };
  const flags = ['--server-side', '--force-conflicts', '--field-manager=keeper', '-f', '-'];
  succeeded(await kubectl(['apply', ...flags], JSON.stringify(manifest)));
}

/**
 * Stands in for cert-manager: makes the Secret that the Certificate of the chart asks for, anew each time. The annotation says whose it is;
 * the injector takes no other.
 */
export async function issueAsCertManager(cluster: ControlPlane, authority: KeyPair): Promise<void> {
  const { spec } = JSON.parse(succeeded(await cluster.kubectl(['get', ...certificate, '-o', 'json'])));
  const pair = await newCertificate(authority, spec.dnsNames);
  const owner = { 'cert-manager.io/certificate-name': 'egress-guard-certificate' };
  await keepInSecret(cluster, spec.secretName, { ...pair, ca: authority.cert }, owner);
}

/**
 * Stands in for cert-manager's CA injector: writes the `ca.crt` of the Secret of the Certificate that the annotation names into all webhooks of
 * the configuration, beside whom they trust already, by an update of the whole.
 * Source: cert-manager pkg/controller/cainjector, `certificateDataSource.ReadCA` and `validatingWebhookTarget.SetCA` with CAInjectorMerging.
 */
export async function injectAsCertManager({ kubectl }: ControlPlane): Promise<void> {
  const read = async (...what: readonly string[]): Promise<ReturnType<typeof JSON.parse>> =>
    JSON.parse(succeeded(await kubectl(['get', ...what, '-o', 'json'])));
  const configuration = await read('validatingwebhookconfiguration', 'egress-guard');
  const [from, name] = configuration.metadata.annotations['cert-manager.io/inject-ca-from'].split('/');
  const { spec } = await read('certificate.cert-manager.io', name, '--namespace', from);
  const { metadata, data } = await read('secret', spec.secretName, '--namespace', from);
  if (metadata.annotations['cert-manager.io/certificate-name'] !== name) throw new Error('the Secret is of nobody');
  for (const { clientConfig } of configuration.webhooks) {
    clientConfig.caBundle = merged(clientConfig.caBundle ?? '', data['ca.crt']);
  }
  succeeded(await kubectl(['replace', '-f', '-'], JSON.stringify(configuration)));
}

/** Both bundles in one, in base64 each. */
function merged(one: string, other: string): string {
  const [before, added] = [one, other].map((bundle) => Buffer.from(bundle, 'base64').toString());
  return Buffer.from(before?.includes(added?.trim() ?? '') ? before : `${before}${added}`).toString('base64');
}

/** Whole seconds, as certificates have them. */
function validity(): Validity {
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
}
