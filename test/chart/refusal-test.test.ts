import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificate } from '../admission/tls-client.ts';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { chartFolder } from './values.ts';

const program = readFileSync(join(chartFolder, 'files/refusal-test.js'), 'utf8');

/** What an API server answers to the one request. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Runs what the pod of `helm test` runs against an API server with these answers, the last of which is repeated. */
async function runTest(...answers: readonly Answer[]) {
  const certificate = await createCertificate();
  const asked: { readonly url: string | undefined; readonly token: string | undefined; readonly body: string }[] = [];
  const server = createServer(certificate, async (request, response) => {
    asked.push({ url: request.url, token: request.headers.authorization, body: await text(request) });
    const { status = 500, headers = {}, body = {} } = answers[asked.length - 1] ?? answers.at(-1) ?? {};
    response.writeHead(status, headers).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port), // it listens on TCP
    TEST_NAMESPACE: 'istio-system',
    TEST_SECONDS: answers.length === 1 ? '0' : '10',
    TOKEN_FOLDER: temporaryFolder({ token: 'secret\n', 'ca.crt': certificate.ca }),
  };
  const ended = promisify(execFile)(process.execPath, ['--eval', program], { env });
  const said = await ended.then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stderr }) => ({ code, output: stderr }),
  );
  return { ...said, asked };
}

const message =
  'admission webhook "validate.egress-guard.io" denied the request: ServiceEntry istio-system/egress-guard-test spec.addresses: … (external-service-is-bounded)';

test('passes where egress-guard refuses the ServiceEntry', async () => {
  const { code, output, asked } = await runTest({ status: 403, body: { reason: 'Forbidden', message } });
  expect(output).toBe(`PASS: it is refused: ${message}\n`);
  expect(code).toBe(0);
  expect(asked).toMatchObject([
    {
      url: '/apis/networking.istio.io/v1/namespaces/istio-system/serviceentries?dryRun=All',
      token: 'Bearer secret',
      body: expect.stringContaining('"kind":"ServiceEntry"'),
    },
  ]);
});

test('waits for a pod that is not ready yet', async () => {
  const { code, asked } = await runTest({ status: 500, body: {} }, { status: 403, body: { message } });
  expect(code).toBe(0);
  expect(asked).toHaveLength(2);
});

test('passes, and says so, where the ServiceEntry only causes a warning', async () => {
  const warning = '299 - "ServiceEntry istio-system/egress-guard-test it opens port 9 (external-service-is-bounded)"';
  const { code, output } = await runTest({ status: 201, headers: { warning }, body: {} });
  expect(output).toContain('PASS: it is admitted with a warning');
  expect(code).toBe(0);
});

test.each<[string, Answer]>([
  ['nobody objects', { status: 201, body: {} }],
  ['another webhook refuses', { status: 403, body: { message: 'admission webhook "other" denied the request' } }],
  [
    'it may not create',
    { status: 403, body: { message: 'serviceentries is forbidden (external-service-is-bounded)' } },
  ],
  ['no pod answers', { status: 500, body: { message: 'failed calling webhook "validate.egress-guard.io"' } }],
])('fails where %s', async (_, answer) => {
  const { code, output } = await runTest(answer);
  expect(code).toBe(1);
  expect(output).toContain(`FAIL: egress-guard does not object to a ServiceEntry for every address: ${answer.status}`);
});
