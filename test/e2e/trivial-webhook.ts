/**
 * `node trivial-webhook.ts NAME`: a webhook for the server name that admits everything, and says at once that it is ready. Prints its
 * URLs and authority as JSON; ends with its standard input.
 */
import { once } from 'node:events';
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { createDevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';
import { ownField, ownText } from '../../src/istio/json-object.ts';

const [, , name = ''] = process.argv;
const { ca, cert, key } = await createDevelopmentCertificates({ dnsNames: [name], ipAddresses: [] });

const webhook = createServer({ cert, key, keepAlive: true }, async (request, response) => {
  const uid = ownText(ownField(JSON.parse(await text(request)), 'request'), 'uid');
  const answer = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
});
const ops = createPlain((_, response) => response.end());
const ports = await Promise.all([webhook, ops].map(listen));
const [port, opsPort] = ports;
console.log(JSON.stringify({ url: `https://127.0.0.1:${port}`, opsUrl: `http://127.0.0.1:${opsPort}`, ca }));
process.stdin.on('end', () => process.exit()).resume();

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo; // it listens on a port
  return address.port;
}
