import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { parse } from 'yaml';
import { createCertificate } from '../../admission/tls-client.ts';
import { chartFolder } from '../../chart/values.ts';
import { startServeProcess } from '../../webhook/serve-process.ts';
import { type ControlPlane, startControlPlane } from '../control-plane.ts';
import { installDefinitions } from '../install-definitions.ts';
import { leftoversOf } from '../leftovers.ts';
import { type Said, succeeded } from '../run-program.ts';
import { runPod } from '../stand-in-kubelet.ts';
import { template, valuesFiles, valuesFlags } from './render-chart.ts';

const demo = join(import.meta.dirname, '../../demo');

const tools = inject('tools');
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane(tools);
  await installDefinitions(cluster, tools, 'cert-manager.io', 'monitoring.coreos.com');
  const namespaces = ['egress-guard', 'istio-system', 'istio-egress', 'mesh-system', 'sandbox'];
  for (const name of namespaces) succeeded(await cluster.kubectl(['create', 'namespace', name]));
  const standard = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  succeeded(await cluster.kubectl(['label', 'namespace', 'egress-guard', ...standard]));
});

afterAll(() => cluster.stop());

/** What the standard `restricted` of Pod Security finds in pods that users want to be so. */
const unrestricted: Readonly<Record<string, string>> = {
  'extras-values.yaml': 'container "log-shipper" must set',
  'host-network-values.yaml': 'host namespaces (hostNetwork=true)',
};

describe('whatever the values are', () => {
  beforeAll(async () => {
    const accounts = ['egress-guard-test', 'egress-webhook-test']; // their pods are refused without
    for (const name of accounts)
      succeeded(await cluster.kubectl(['create', 'serviceaccount', name, '-n', 'egress-guard']));
  });

  afterAll(async () => {
    succeeded(await cluster.kubectl(['delete', 'serviceaccount', '--all', '-n', 'egress-guard']));
  });

  test.each(valuesFiles)('%s: the API server knows every field, and takes it', async (file) => {
    const manifest = succeeded(await template(tools.helm, valuesFlags(file)));
    const flags = ['--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { code, stderr } = await cluster.kubectl(['apply', ...flags], manifest);
    expect(stderr).toEqual(unrestricted[file] === undefined ? '' : expect.stringContaining(unrestricted[file]));
    expect(code).toBe(0);
  });
});

test('is not installed where its control plane is not: webhooks that nobody answers would be left', async () => {
  const flags = ['-n', 'egress-guard', '--set', 'settings.istio.namespace=elsewhere'];
  const { code, stderr } = await cluster.helm(['install', 'egress-guard', chartFolder, ...flags]);
  expect(stderr).toContain("settings.istio.namespace: there is no namespace 'elsewhere' in this cluster");
  expect(code).toBe(1);
  expect(succeeded(await cluster.helm(['list', '--all-namespaces', '--short']))).toBe('');
});

describe('an installed chart', () => {
  const values = ['--set', 'service.port=8443']; // 443 is root's
  const account = 'system:serviceaccount:egress-guard:egress-guard';

  beforeAll(async () => {
    succeeded(await cluster.helm(['install', 'egress-guard', chartFolder, '-n', 'egress-guard', ...values]));
  });

  test('judges resources that there are', async () => {
    const rules: object = parse(readFileSync(join(chartFolder, 'files/webhook-rules.yaml'), 'utf8'));
    const judged = Object.values(rules)
      .flat()
      .flatMap(({ apiGroups: [group], resources }) =>
        resources.map((name: string) => (group === '' ? name : `${name}.${group}`)),
      );
    const served = succeeded(await cluster.kubectl(['api-resources', '--output', 'name'])).split('\n');
    const experimental = 'xlistenersets.gateway.networking.x-k8s.io'; // of earlier releases of the Gateway API
    expect(judged.filter((name) => !served.includes(name))).toEqual([experimental]);
  });

  test.each([
    ['list', 'serviceentries.networking.istio.io', []],
    ['watch', 'gateways.gateway.networking.k8s.io', []],
    ['list', 'pods', []],
    ['watch', 'namespaces', []],
    ['watch', 'configmaps/istio', ['-n', 'istio-system']],
    ['create', 'secrets', ['-n', 'egress-guard']],
    ['update', 'secrets/egress-guard-certificate', ['-n', 'egress-guard']],
    ['watch', 'validatingwebhookconfigurations/egress-guard', []],
    ['patch', 'validatingwebhookconfigurations/egress-guard', []],
    ['create', 'events', []],
    ['patch', 'events', []],
    ['update', 'leases.coordination.k8s.io/egress-guard', ['-n', 'egress-guard']],
  ])('may %s %s', async (verb, resource, flags) => {
    expect(await may(verb, resource, flags)).toBe('yes');
  });

  test.each([
    ['get', 'configmaps/other', ['-n', 'istio-system']],
    ['get', 'secrets/other', ['-n', 'egress-guard']],
    ['get', 'secrets', []],
    ['create', 'secrets', ['-n', 'istio-system']],
    ['watch', 'validatingwebhookconfigurations', []],
    ['patch', 'validatingwebhookconfigurations/other', []],
    ['create', 'serviceentries.networking.istio.io', []],
    ['list', 'events', []],
    ['update', 'leases.coordination.k8s.io/other', ['-n', 'egress-guard']],
    ['create', 'leases.coordination.k8s.io', ['-n', 'egress-guard']],
    ['delete', 'validatingwebhookconfigurations/egress-guard', []],
  ])('may not %s %s', async (verb, resource, flags) => {
    expect(await may(verb, resource, flags)).toBe('no');
  });

  async function may(verb: string, resource: string, flags: readonly string[]): Promise<string> {
    const scope = flags.length === 0 ? ['--all-namespaces'] : flags;
    const { stdout } = await cluster.kubectl(['auth', 'can-i', verb, resource, ...scope, '--as', account]);
    return stdout.trim();
  }

  test('while no pod answers, lets in nothing of Istio and everything else', async () => {
    const { stderr } = await change('create', 'wrong-sni.yaml');
    expect(stderr).toContain('failed calling webhook "validate.egress-guard.io"');
    succeeded(await cluster.kubectl(['create', 'namespace', 'elsewhere']));
  });

  describe('once a pod answers', () => {
    let stopAnswering = async (): Promise<void> => {};

    beforeAll(async () => {
      stopAnswering = await answerCalls();
    });

    afterAll(() => stopAnswering());

    test('refuses what is wrong, in every version', async () => {
      const refusal = "SNI 'in.telemetry.example' is sent for host 'api.bank.example'";
      const { stderr } = await change('create', 'wrong-sni.yaml');
      expect(stderr).toMatch(/^Error from server \(Forbidden\).*admission webhook "validate\.egress-guard\.io" denied/);
      expect(stderr).toContain(refusal);
      const text = readFileSync(join(demo, 'changes/wrong-sni.yaml'), 'utf8').replace('/v1beta1', '/v1');
      expect((await cluster.kubectl(['create', '-f', '-'], text)).stderr).toContain(refusal);
    });

    test('refuses a Service that breaks a path', async () => {
      const gateway = readFileSync(join(demo, 'mesh/gateway.yaml'), 'utf8');
      succeeded(await cluster.kubectl(['create', '-f', '-'], gateway));
      const { stderr } = await cluster.kubectl(['replace', '-f', '-'], gateway.replace('port: 80,', 'port: 81,'));
      expect(stderr).toContain('admission webhook "validate-core.egress-guard.io" denied the request');
    });

    test('leaves namespaces alone that are not judged', async () => {
      const text = readFileSync(join(demo, 'changes/wrong-sni.yaml'), 'utf8').replace('istio-egress', 'kube-system');
      succeeded(await cluster.kubectl(['create', '-f', '-'], text));
    });

    test('passes `helm test`', async () => {
      const tested = cluster.helm(['test', 'egress-guard', '-n', 'egress-guard', '--timeout', '60s']);
      const said = await runPod(cluster, 'egress-guard', 'egress-guard-test');
      expect(said.stdout).toMatch(/^PASS: it is refused: admission webhook "validate\.egress-guard\.io" denied/);
      expect(succeeded(await tested)).toContain('Phase:          Succeeded');
      const left = succeeded(await cluster.kubectl(['get', 'roles,rolebindings', '-n', 'istio-system', '-o', 'name']));
      expect(left.split('\n').filter((name) => name.includes('test'))).toEqual([]);
    });

    test('keeps the authorities that API servers trust through upgrade and rollback', async () => {
      const before = await trusted();
      succeeded(
        await cluster.helm([
          'upgrade',
          'egress-guard',
          chartFolder,
          '-n',
          'egress-guard',
          ...values,
          '--set',
          'webhook.timeoutSeconds=7',
        ]),
      );
      expect(await trusted()).toEqual({ ...before, timeouts: '7 7' });
      succeeded(await cluster.helm(['rollback', 'egress-guard', '-n', 'egress-guard']));
      expect(await trusted()).toEqual(before);
    });
  });

  test('takes everything along when it goes', async () => {
    expect(await leftoversOf(cluster, 'egress-guard')).toContain('Lease/egress-guard');
    succeeded(await cluster.helm(['uninstall', 'egress-guard', '-n', 'egress-guard']));
    expect(await leftoversOf(cluster, 'egress-guard')).toEqual([]);
  });
});

function change(verb: string, file: string): Promise<Said> {
  return cluster.kubectl([verb, '-f', join(demo, 'changes', file)]);
}

/** What a pod would do: answers at the Service's address, with a certificate that the API server is told to trust. Resolves with what ends it. */
async function answerCalls(): Promise<() => Promise<void>> {
  const certificate = await createCertificate('egress-guard.egress-guard.svc');
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-e2e-'));
  writeFileSync(join(folder, 'tls.crt'), certificate.cert);
  writeFileSync(join(folder, 'tls.key'), certificate.key);
  const address = succeeded(
    await cluster.kubectl(['get', 'service', 'egress-guard', '-n', 'egress-guard', '-o', 'jsonpath={.spec.clusterIP}']),
  );
  const server = await startServeProcess({
    flags: [
      '--files',
      'mesh',
      '--host',
      address,
      '--port',
      '8443',
      '--tls-cert',
      join(folder, 'tls.crt'),
      '--tls-key',
      join(folder, 'tls.key'),
    ],
    cwd: demo,
  });
  const caBundle = Buffer.from(certificate.ca).toString('base64');
  const patch = [0, 1].map((index) => ({
    op: 'add',
    path: `/webhooks/${index}/clientConfig/caBundle`,
    value: caBundle,
  }));
  const flags = ['validatingwebhookconfiguration', 'egress-guard', '--type=json', `--patch=${JSON.stringify(patch)}`];
  succeeded(await cluster.kubectl(['patch', ...flags]));
  await vi.waitUntil(async () => !(await change('create', 'wrong-sni.yaml')).stderr.includes('failed calling'), {
    timeout: 20_000,
  });
  return async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
}

/** What the webhook configuration has of certificates, and the timeouts of its webhooks. */
async function trusted(): Promise<{ readonly bundles: string; readonly timeouts: string }> {
  const get = async (path: string): Promise<string> => {
    const flags = ['validatingwebhookconfiguration', 'egress-guard', '-o', `jsonpath={.webhooks[*].${path}}`];
    return succeeded(await cluster.kubectl(['get', ...flags]));
  };
  return { bundles: await get('clientConfig.caBundle'), timeouts: await get('timeoutSeconds') };
}
