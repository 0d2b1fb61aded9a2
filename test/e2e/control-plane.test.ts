import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { installDefinitions } from './install-definitions.ts';
import { succeeded } from './run-program.ts';

const serviceEntry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { namespace: default, name: api }
spec: { hosts: [api.example.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`;

describe('a control plane', () => {
  const tools = inject('tools');
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await startControlPlane(tools);
    await installDefinitions(cluster, tools);
  });

  afterAll(() => cluster.stop());

  test('serves the API of the pinned Kubernetes, to those it knows alone', async () => {
    const version = JSON.parse(succeeded(await cluster.kubectl(['version', '--output', 'json'])));
    expect(version.serverVersion.gitVersion).toBe(version.clientVersion.gitVersion);
    const stranger = await cluster.kubectl(['get', 'namespaces', '--token', 'unknown']);
    expect(stranger.stderr).toContain('Unauthorized');
  });

  test('takes resources of Istio and of the Gateway API', async () => {
    expect(succeeded(await cluster.kubectl(['apply', '-f', '-'], serviceEntry))).toContain(
      'serviceentry.networking.istio.io/api created',
    );
    const kinds = succeeded(await cluster.kubectl(['api-resources', '--output', 'name']));
    expect(kinds.split('\n')).toEqual(
      expect.arrayContaining(['authorizationpolicies.security.istio.io', 'tlsroutes.gateway.networking.k8s.io']),
    );
  });

  test('refuses what the schema does not know', async () => {
    const { code, stderr } = await cluster.kubectl(
      ['apply', '-f', '-'],
      serviceEntry.replace('resolution', 'resolutoin'),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('unknown field "spec.resolutoin"');
  });

  test('gives Services loopback addresses, where a webhook can listen', async () => {
    succeeded(await cluster.kubectl(['create', 'service', 'clusterip', 'webhook', '--tcp=443:8443']));
    const address = succeeded(
      await cluster.kubectl(['get', 'service', 'webhook', '--output', 'jsonpath={.spec.clusterIP}']),
    );
    expect(address).toMatch(/^127\./);
  });
});

test('a control plane leaves nothing behind', async () => {
  const cluster = await startControlPlane(inject('tools'));
  await cluster.stop();
  await expect(fetch(cluster.url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  expect(existsSync(cluster.kubeconfig)).toBe(false);
});
