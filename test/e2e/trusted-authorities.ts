import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ServeProcess } from '../webhook/serve-process.ts';
import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';

/** The authorities that the webhook configuration tells API servers to trust. */
export async function readBundle({ kubectl }: ControlPlane): Promise<readonly X509Certificate[]> {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}';
  const bundle = succeeded(await kubectl(['get', 'validatingwebhookconfiguration', 'egress-guard', '-o', path]));
  const pem = Buffer.from(bundle, 'base64').toString();
  return (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((block) => new X509Certificate(block));
}

/** Connects as an API server does that trusts these authorities, and resolves with the certificate; rejects where it would not trust it. */
export async function shakeHands(
  { url }: Pick<ServeProcess, 'url'>,
  authorities: readonly X509Certificate[],
): Promise<X509Certificate> {
  const { hostname: host, port } = new URL(url);
  const ca = authorities.join('\n');
  const socket = connect({ host, port: Number(port), servername: 'egress-guard.egress-guard.svc', ca });
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw new Error('there is no certificate');
    return certificate;
  } finally {
    socket.destroy();
  }
}
