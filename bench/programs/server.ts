/**
 * `node server.ts HOSTS`: the webhook's server over HTTPS with a generated mesh, and in the same server `POST /validate-nothing`, which
 * allows everything. Prints its URL and authority as JSON; ends with its standard input.
 */
import { createLog } from '../../src/admission/log.ts';
import { createMetrics } from '../../src/admission/metrics.ts';
import { buildServer } from '../../src/admission/server.ts';
import { ownField, ownText } from '../../src/istio/json-object.ts';
import { readResource } from '../../src/istio/read-resource.ts';
import { createCertificate } from '../../test/admission/tls-client.ts';
import { guardMesh, sizesFor } from '../decisions.ts';

const { guard } = guardMesh(sizesFor(Number(process.argv[2])).large);
const { ca, cert, key } = await createCertificate();
const server = buildServer(
  {
    decide: (change) => guard.decide(change),
    readResource,
    isNamespaceTerminating: () => false,
    meshVersion: () => '1',
    log: createLog(() => undefined),
    metrics: createMetrics('0'),
  },
  { certificate: { cert, key } },
);
server.post('/validate-nothing', (request, reply) => {
  const review: unknown = JSON.parse(String(request.body));
  const response = { uid: ownText(ownField(review, 'request'), 'uid'), allowed: true };
  return reply.send({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
});
const url = await server.listen({ host: '127.0.0.1', port: 0 });
console.log(JSON.stringify({ url, ca }));
process.stdin.on('end', () => process.exit()).resume();
