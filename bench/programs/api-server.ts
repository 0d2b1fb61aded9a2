/**
 * `node api-server.ts HOSTS`: an API server that holds a generated mesh, each object with what kubectl and the API server itself add to
 * it. Prints its URL and authority as JSON; ends with its standard input.
 */
import { createCertificate } from '../../test/admission/tls-client.ts';
import { type ClusterObject, serveAllKinds, store } from '../../test/sources/cluster/cluster-objects.ts';
import { FakeApiServer } from '../../test/sources/cluster/fake-api-server.ts';
import { sizesFor } from '../decisions.ts';
import { gatewayLabels, generateMesh, namespace, objectsOf } from '../generate-mesh.ts';

/** About what server-side apply remembers of a resource of Istio. */
const managedFields = Array.from({ length: 3 }, (_, place) => ({
  manager: `manager-${place}`,
  operation: 'Apply',
  fieldsV1: { 'f:spec': Object.fromEntries(Array.from({ length: 12 }, (_, field) => [`f:field-${field}`, {}])) },
}));

const pods = ['one', 'two'].map((name): ClusterObject => {
  const metadata = { namespace, name, labels: gatewayLabels };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'istio-proxy' }] } };
});

function asStored(object: ClusterObject): ClusterObject {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) };
  return { ...object, metadata: { ...object.metadata, annotations, managedFields } };
}

const { ca, cert, key } = await createCertificate();
const server = new FakeApiServer({ certificate: { cert, key }, bookmarkMs: 60_000 });
serveAllKinds(server);
const { hosts, surroundings } = generateMesh(sizesFor(Number(process.argv[2])).large);
const objects: readonly ClusterObject[] = [...surroundings, ...hosts.flatMap(objectsOf)];
store(server, [...objects, ...pods].map(asStored));
const url = await server.start();
console.log(JSON.stringify({ url, ca }));
process.stdin.on('end', () => process.exit()).resume();
