import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ApiError } from '../../../src/sources/cluster/api-error.ts';
import type { ApiServer } from '../../../src/sources/cluster/api-server.ts';
import { inClusterServer } from '../../../src/sources/cluster/in-cluster.ts';
import { type ApiRequest, createKubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { createCertificate } from '../../admission/tls-client.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { startApiServer } from './start-api-server.ts';

const services = '/api/v1/services';
const gateway = { kind: 'Service', metadata: { namespace: 'egress', name: 'gateway' } };
const gatewayPath = '/api/v1/namespaces/egress/services/gateway';

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('reads an object', async () => {
  const { server, client } = await startApiServer();
  server.serve(services);
  server.put(services, gateway);
  expect(await client.request({ path: gatewayPath })).toMatchObject(gateway);
});

test('an error says what was asked and what was answered', async () => {
  const { server, client } = await startApiServer();
  const error = await errorOf(client.request({ path: gatewayPath }));
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 404, reason: 'NotFound', message: `GET ${gatewayPath}: NotFound` });
  server.script = () => ({ kind: 'status', status: 503, retryAfter: 2, body: '<html>' });
  expect(await errorOf(client.request({ path: gatewayPath }))).toMatchObject({
    status: 503,
    retryAfterMs: 2_000,
    message: `GET ${gatewayPath}: HTTP 503`,
  });
});

test('a silent server is waited for until the deadline', async () => {
  const { server, client } = await startApiServer();
  server.script = () => ({ kind: 'silence' });
  const request: ApiRequest = { path: '/x', deadlineMs: 20 };
  expect(await errorOf(client.request(request))).toMatchObject({ name: 'TimeoutError' });
  expect(await errorOf(client.stream(request))).toMatchObject({ name: 'TimeoutError' });
  const reason = new Error('not wanted any more');
  expect(await errorOf(client.request({ path: '/x', signal: AbortSignal.abort(reason) }))).toBe(reason);
});

test('the deadline of a stream is for its beginning only', async () => {
  const { server, client } = await startApiServer({ bookmarkMs: 30 });
  server.serve(services);
  const stream = await client.stream({ path: services, query: { watch: 'true' }, deadlineMs: 1_000 });
  const [first] = await stream.take(1).toArray();
  expect(String(first)).toContain('BOOKMARK');
});

test('what is let in no longer is read again, once', async () => {
  const { server, url } = await startApiServer();
  server.serve(services);
  server.put(services, gateway);
  server.tokens = ['new'];
  const asked: boolean[] = [];
  const apiServer: ApiServer = {
    url,
    namespace: undefined,
    authorize: async (isRefused) => {
      asked.push(isRefused);
      return { headers: { authorization: `Bearer ${isRefused ? 'new' : 'old'}` } };
    },
  };
  const client = createKubernetesClient(apiServer);
  expect(await client.request({ path: gatewayPath })).toMatchObject(gateway);
  expect(asked).toEqual([false, true]);
  server.tokens = [];
  expect(await errorOf(client.request({ path: gatewayPath }))).toMatchObject({ status: 401 });
  expect(asked).toHaveLength(4);
});

test('a pod is let in by its service account, whose token is exchanged', async () => {
  const certificate = await createCertificate();
  const { server, url } = await startApiServer({ certificate });
  server.serve(services);
  server.put(services, gateway);
  server.tokens = ['one'];
  const folder = temporaryFolder({ token: 'one\n', 'ca.crt': certificate.ca, namespace: 'egress-guard' });
  const { hostname, port } = new URL(url);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  let now = 0;
  const apiServer = inClusterServer({ env, folder, now: () => now });
  if (!apiServer) throw new Error('a pod is not recognised');
  const client = createKubernetesClient(apiServer);
  expect(client).toMatchObject({ url, namespace: 'egress-guard' });
  expect(await client.request({ path: gatewayPath })).toMatchObject(gateway);
  writeFileSync(join(folder, 'token'), 'two');
  server.tokens = ['one', 'two'];
  now = 60_000;
  await client.request({ path: gatewayPath });
  expect(server.seen.map(({ authorization }) => authorization)).toEqual(['Bearer one', 'Bearer two']);
  server.tokens = ['three'];
  writeFileSync(join(folder, 'token'), 'three');
  expect(await client.request({ path: gatewayPath })).toMatchObject(gateway);
});

test('outside of a pod there is no cluster', () => {
  expect(inClusterServer({ env: {}, folder: temporaryFolder({ token: 'x' }) })).toBeUndefined();
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  expect(inClusterServer({ env, folder: temporaryFolder() })).toBeUndefined();
});
