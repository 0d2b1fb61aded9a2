import { onTestFinished } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { FakeApiServer, type FakeApiServerOptions } from './fake-api-server.ts';

/** A fake API server that lives as long as the running test, with a client of it. */
export async function startApiServer(
  options: FakeApiServerOptions = {},
): Promise<{ readonly server: FakeApiServer; readonly client: KubernetesClient; readonly url: string }> {
  const server = new FakeApiServer(options);
  const url = await server.start();
  onTestFinished(() => server.close());
  const client = createKubernetesClient({ url, namespace: undefined, authorize: async () => ({}) });
  return { server, client, url };
}
