import { expect, test } from 'vitest';
import { certificateObjects } from '../../../src/admission/certificates/certificate-objects.ts';
import type { ApiRequest, KubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { clientOf, FakeCluster, names, secretPath, webhooks, webhooksPath } from './fake-cluster.ts';

/** The objects of a cluster, and the requests that were made for them. */
function objectsOf(cluster: FakeCluster) {
  const requests: ApiRequest[] = [];
  const plain = clientOf(cluster);
  const request: KubernetesClient['request'] = (one) => {
    requests.push(one);
    return plain.request(one);
  };
  return { requests, objects: certificateObjects({ ...plain, request }, names) };
}

test('what others keep in the Secret stays there', async () => {
  const cluster = new FakeCluster();
  const metadata = { name: 'egress-guard-certificate', namespace: 'guard', annotations: { by: 'hand' } };
  cluster.put(secretPath, { metadata, type: 'Opaque', data: { note: 'YQ==' } });
  const { objects } = objectsOf(cluster);
  const secret = await objects.readSecret();
  expect(secret?.data).toEqual({ note: 'a' });
  expect(secret && (await objects.updateSecret(secret, { 'ca.crt': 'b' }))).toBe(true);
  expect(cluster.get(secretPath)).toMatchObject({
    metadata,
    type: 'Opaque',
    data: { note: 'YQ==', 'ca.crt': 'Yg==' },
  });
});

test('writes are done only to what was read', async () => {
  const cluster = new FakeCluster();
  cluster.put(webhooksPath, webhooks);
  const { objects } = objectsOf(cluster);
  expect(await objects.readSecret()).toBeUndefined();
  expect(await objects.createSecret({ x: '1' })).toBe(true);
  expect(await objects.createSecret({ x: '2' })).toBe(false);
  const secret = await objects.readSecret();
  expect(secret && (await objects.updateSecret(secret, { x: '3' }))).toBe(true);
  expect(secret && (await objects.updateSecret(secret, { x: '4' }))).toBe(false);
  expect((await objects.readSecret())?.data).toEqual({ x: '3' });
  const configuration = await objects.readWebhooks();
  const patched = configuration && (await objects.patchBundles(configuration, []));
  expect(patched?.webhooks.map(({ name }) => name)).toEqual(['istio.egress-guard.io', 'gateway-api.egress-guard.io']);
  expect(configuration && (await objects.patchBundles(configuration, []))).toBeUndefined();
  cluster.delete(secretPath);
  expect(secret && (await objects.updateSecret(secret, { x: '5' }))).toBe(false);
});

test('a configuration that is made anew is another one, and one whose metadata changes is not', async () => {
  const cluster = new FakeCluster();
  const { objects } = objectsOf(cluster);
  const revisions = [];
  for (const next of [webhooks, { ...webhooks, note: 'x' }, undefined, webhooks]) {
    if (next) cluster.put(webhooksPath, next);
    else cluster.delete(webhooksPath);
    revisions.push((await objects.readWebhooks())?.revision);
  }
  expect(revisions[1]).toBe(revisions[0]);
  expect(revisions[2]).toBeUndefined();
  expect(revisions[3]).not.toBe(revisions[0]);
});

test('closing calls off what is under way', async () => {
  const { objects, requests } = objectsOf(new FakeCluster());
  await objects.readSecret();
  expect(requests[0]?.signal?.aborted).toBe(false);
  objects.close();
  expect(requests[0]?.signal?.aborted).toBe(true);
});
