import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chartFolder } from '../../chart/values.ts';
import { type ServeProcess, startServeProcess } from '../../webhook/serve-process.ts';
import { type ControlPlane, startControlPlane } from '../control-plane.ts';
import { installDefinitions } from '../install-definitions.ts';
import { succeeded } from '../run-program.ts';
import { runPod, tokenOf } from '../stand-in-kubelet.ts';

const demo = join(import.meta.dirname, '../../demo');
const release = ['egress-guard', '--namespace', 'egress-guard'];

const gatewayPod = `
apiVersion: v1
kind: Pod
metadata: { namespace: istio-egress, name: istio-egressgateway-0, labels: { istio: egressgateway } }
spec:
  containers: [{ name: istio-proxy, image: auto, ports: [{ containerPort: 8080 }, { containerPort: 8443 }] }]
`;

describe('what the chart runs, with the rights that it gives', () => {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-e2e-'));
  let cluster: ControlPlane;
  let pod: ServeProcess;

  beforeAll(async () => {
    const tools = inject('tools');
    cluster = await startControlPlane(tools);
    await installDefinitions(cluster, tools);
    succeeded(await cluster.kubectl(['apply', '-f', join(demo, 'mesh/namespaces.yaml')]));
    succeeded(await cluster.kubectl(['apply', '-f', join(demo, 'mesh')]));
    succeeded(await cluster.kubectl(['create', 'serviceaccount', 'default', '-n', 'istio-egress']));
    succeeded(await cluster.kubectl(['create', '-f', '-'], gatewayPod));
    const flags = ['--create-namespace', '--set', 'service.port=8443']; // 443 is root's
    succeeded(await cluster.helm(['install', ...release, chartFolder, ...flags]));
    pod = await runServe();
  });

  afterAll(async () => {
    await pod?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true });
  });

  /** `serve` as the Deployment has it, but for where it listens and how it reaches the API server. */
  async function runServe(): Promise<ServeProcess> {
    const get = async (kind: string): Promise<string> =>
      succeeded(await cluster.kubectl(['get', kind, ...release, '-o', 'json']));
    const settings = join(folder, 'settings.yaml');
    writeFileSync(settings, JSON.parse(await get('configmap')).data['settings.yaml']);
    const kubeconfig = join(folder, 'kubeconfig');
    const { clusters, contexts, ...config } = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8'));
    const [{ context }] = contexts;
    const own = {
      ...config,
      clusters,
      contexts: [{ name: 'e2e', context: { ...context, namespace: 'egress-guard' } }],
      users: [{ name: context.user, user: { token: await tokenOf(cluster, 'egress-guard', 'egress-guard') } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(own));
    const [container] = JSON.parse(await get('deployment')).spec.template.spec.containers;
    const [, ...args]: string[] = container.args;
    const elsewhere = ['--settings', settings, '--kubeconfig', kubeconfig, '--ops-port', '0'];
    const address = JSON.parse(await get('service')).spec.clusterIP;
    return startServeProcess({ flags: [...args, ...elsewhere, '--host', address, '--port', '8443'], cwd: folder });
  }

  test('becomes ready: it may read all that it wants to, and API servers trust it', async () => {
    const isReady = async (): Promise<boolean> => (await fetch(`${pod.opsUrl}/readyz`)).ok;
    await vi.waitUntil(isReady, { timeout: 60_000, interval: 200 });
    expect(JSON.stringify(pod.log)).not.toContain('forbidden');
  });

  test('keeps its authority in a Secret that goes when the release goes', async () => {
    const get = ['get', 'secret', 'egress-guard-certificate', '-n', 'egress-guard', '-o', 'json'];
    const { metadata, data } = JSON.parse(succeeded(await cluster.kubectl(get)));
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'egress-guard' }]);
    expect(Object.keys(data)).toContain('ca.crt');
  });

  test('refuses what breaks a path in the cluster', async () => {
    const { stderr } = await cluster.kubectl(['replace', '-f', join(demo, 'changes/wrong-sni.yaml')]);
    expect(stderr).toContain("SNI 'in.telemetry.example' is sent for host 'api.bank.example'");
  });

  test('admits what is right, and has seen it', async () => {
    succeeded(await cluster.kubectl(['replace', '-f', join(demo, 'changes/retry.yaml')]));
  });

  test('tells of what is wrong on the object that it is about', async () => {
    const describe = ['describe', 'destinationrule', 'bank', '-n', 'istio-egress'];
    const said = async (): Promise<string> => succeeded(await cluster.kubectl(describe));
    await vi.waitFor(async () => expect(await said()).toContain('OriginationVerifiesHost'), {
      timeout: 30_000,
      interval: 500,
    });
    expect(await said()).toMatch(
      /Warning +OriginationVerifiesHost .* egress-guard .*accepts a certificate of any name/,
    );
  });

  test('passes `helm test`', async () => {
    const tested = cluster.helm(['test', ...release, '--timeout', '60s']);
    expect((await runPod(cluster, 'egress-guard', 'egress-guard-test')).stdout).toContain('PASS: it is refused');
    expect(succeeded(await tested)).toContain('Succeeded');
  });

  test('has asked for nothing that it may not', async () => {
    const metrics = succeeded(await cluster.kubectl(['get', '--raw', '/metrics']));
    const results = [...metrics.matchAll(/^authorization_attempts_total\{result="(.*?)"\}/gm)].map(
      ([, result]) => result,
    );
    expect(results).toEqual(['allowed']); // everybody else here may do everything
  });
});
