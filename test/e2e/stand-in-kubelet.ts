import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { ControlPlane } from './control-plane.ts';
import { runProgram, type Said, succeeded } from './run-program.ts';

/** A token of a service account, as a kubelet gets it for a pod. */
export async function tokenOf({ kubectl }: ControlPlane, namespace: string, account: string): Promise<string> {
  return succeeded(await kubectl(['create', 'token', account, '--namespace', namespace])).trim();
}

/** Runs the one container of a pod of the image's Node.js, once there is such a pod, and tells how it ended. */
export async function runPod(cluster: ControlPlane, namespace: string, name: string): Promise<Said> {
  const inNamespace = ['--namespace', namespace];
  const get = ['get', 'pod', name, ...inNamespace, '-o', 'json', '--ignore-not-found'];
  const found = async (): Promise<string> => succeeded(await cluster.kubectl(get));
  const { spec } = JSON.parse(await vi.waitUntil(found, { timeout: 30_000, interval: 200 }));
  const [{ command, args, env }] = spec.containers;
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-pod-'));
  try {
    writeFileSync(join(folder, 'token'), await tokenOf(cluster, namespace, spec.serviceAccountName));
    writeFileSync(join(folder, 'ca.crt'), cluster.ca);
    const { hostname, port } = new URL(cluster.url);
    const own = Object.fromEntries(env.map((one: { name: string; value: string }) => [one.name, one.value]));
    const said = await runProgram(process.execPath, [...command.slice(1), ...args], {
      env: { ...own, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, TOKEN_FOLDER: folder },
    });
    const status = JSON.stringify({ status: { phase: said.code === 0 ? 'Succeeded' : 'Failed' } });
    succeeded(await cluster.kubectl(['patch', 'pod', name, ...inNamespace, '--subresource=status', '--patch', status]));
    return said;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
