import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findApiServer } from '../../../src/sources/cluster/find-api-server.ts';
import { createKubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { createCertificate } from '../../admission/tls-client.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { startApiServer } from './start-api-server.ts';

interface Entry {
  readonly name: string;
  readonly server: string;
  readonly token?: string;
  readonly ca?: string;
}

function kubeconfig(current: string, ...entries: readonly Entry[]): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': current,
    clusters: entries.map(({ name, server, ca }) => ({
      name,
      cluster: { server, ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) },
    })),
    users: entries.map(({ name, token }) => ({ name, user: { token: token ?? 'x' } })),
    contexts: entries.map(({ name }) => ({ name, context: { cluster: name, user: name, namespace: `${name}-ns` } })),
  });
}

const east = { name: 'east', server: 'https://east.example:6443' };
const west = { name: 'west', server: 'https://west.example/k8s/west' };

test('the kubeconfig that is named outranks the environment, which outranks the home folder', async () => {
  const cwd = temporaryFolder({
    named: kubeconfig('east', east),
    env: kubeconfig('west', west),
    '.kube/config': kubeconfig('home', { ...east, name: 'home' }),
  });
  const env = { HOME: cwd };
  expect((await findApiServer({}, { cwd, env })).namespace).toBe('home-ns');
  const both = { ...env, KUBECONFIG: 'env' };
  expect((await findApiServer({}, { cwd, env: both })).url).toBe(west.server);
  expect((await findApiServer({ file: 'named' }, { cwd, env: both })).url).toBe(east.server);
});

test('several files are one, and the first says which context is current', async () => {
  const cwd = temporaryFolder({ one: kubeconfig('east', east), two: kubeconfig('west', west) });
  const env = { KUBECONFIG: 'one:two' };
  expect((await findApiServer({}, { cwd, env })).url).toBe(east.server);
  expect((await findApiServer({ context: 'west' }, { cwd, env })).url).toBe(west.server);
});

test('what a kubeconfig says lets in, and is read again when it does not', async () => {
  const certificate = await createCertificate();
  const { server, url } = await startApiServer({ certificate });
  server.serve('/api/v1/services');
  server.tokens = ['one'];
  const entry = (token: string): Entry => ({ name: 'here', server: url, token, ca: certificate.ca });
  const cwd = temporaryFolder({ config: kubeconfig('here', entry('one')) });
  const client = createKubernetesClient(await findApiServer({ file: 'config' }, { cwd, env: {} }));
  expect(await client.request({ path: '/api/v1/services' })).toMatchObject({ items: [] });
  server.tokens = ['two'];
  writeFileSync(join(cwd, 'config'), kubeconfig('here', entry('two')));
  expect(await client.request({ path: '/api/v1/services' })).toMatchObject({ items: [] });
});

test.each([
  ['no kubeconfig at all', {}, {}, /^no cluster is known: .*; name one with --kubeconfig, or the mesh with --files$/],
  ['a context of none', { context: 'east' }, {}, /^--context needs a kubeconfig; name one with --kubeconfig$/],
  ['a file that is missing', { file: 'none' }, {}, /none: cannot be used as kubeconfig: .*ENOENT.*; mend it, or name/],
  ['a file that is none', { file: 'text' }, {}, /text: cannot be used as kubeconfig: .*; mend it, or name another/],
  ['an unknown context', { file: 'east', context: 'north' }, {}, /east: context 'north' leads to no cluster; name one/],
  ['no current context', { file: 'none-current' }, {}, /none-current: no context is current; name one with --context/],
])('%s is an error that says what to do', async (_, choice, env, message) => {
  const cwd = temporaryFolder({
    text: '- a: [',
    east: kubeconfig('east', east),
    'none-current': kubeconfig('', east),
  });
  await expect(findApiServer(choice, { cwd, env })).rejects.toThrow(message);
});
