import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chartFolder } from '../../chart/values.ts';
import type { ServeProcess } from '../../webhook/serve-process.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart, release } from '../installed-chart.ts';
import { demo, exampleDesign, listOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { succeeded } from '../run-program.ts';
import { runPod } from '../stand-in-kubelet.ts';

describe('what the chart runs, with the rights that it gives', () => {
  let cluster: ControlPlane;
  let chart: InstalledChart;
  let pod: ServeProcess;

  beforeAll(async () => {
    cluster = await startExampleCluster(inject('tools'));
    succeeded(await cluster.kubectl(['apply', '-f', '-'], listOf(exampleDesign())));
    chart = await installChart(cluster);
    pod = await chart.startReplica();
  });

  afterAll(async () => {
    await chart?.stop();
    await cluster?.stop();
  });

  test('becomes ready: it may read all that it wants to, and API servers trust it', async () => {
    expect((await fetch(`${pod.opsUrl}/readyz`)).status).toBe(200);
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

  test('goes on holding the Lease of the chart, whatever Helm changes of that', async () => {
    const before = await lease();
    expect(before.spec.holderIdentity).not.toBe('');
    succeeded(
      await cluster.helm(['upgrade', ...release, chartFolder, '--reuse-values', '--set', 'commonLabels.team=a']),
    );
    const upgraded = await lease();
    succeeded(await cluster.helm(['rollback', ...release]));
    const rolledBack = await lease();
    expect([upgraded, rolledBack].map(({ metadata }) => metadata.labels.team)).toEqual(['a', undefined]);
    const { renewTime: _, ...held } = before.spec;
    for (const { spec } of [upgraded, rolledBack]) expect(spec).toMatchObject(held);
    await vi.waitFor(async () => expect((await lease()).spec.renewTime > rolledBack.spec.renewTime).toBe(true), {
      timeout: 10_000,
      interval: 500,
    });
  });

  test('passes `helm test`', async () => {
    const tested = cluster.helm(['test', ...release, '--timeout', '60s']);
    expect((await runPod(cluster, 'egress-guard', 'egress-guard-test')).stdout).toContain('PASS: it is refused');
    expect(succeeded(await tested)).toContain('Succeeded');
  });

  async function lease(): Promise<ReturnType<typeof JSON.parse>> {
    return JSON.parse(succeeded(await cluster.kubectl(['get', 'lease', ...release, '-o', 'json'])));
  }

  test('has asked for nothing that it may not', async () => {
    const metrics = succeeded(await cluster.kubectl(['get', '--raw', '/metrics']));
    const results = [...metrics.matchAll(/^authorization_attempts_total\{result="(.*?)"\}/gm)].map(
      ([, result]) => result,
    );
    expect(results).toEqual(['allowed']); // everybody else here may do everything
  });
});
