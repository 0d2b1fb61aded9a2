import { expect, test } from 'vitest';
import type { Change } from '../../src/analysis/guard.ts';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { run } from './run-command.ts';

const object = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { namespace: 'ns', name: 'a' },
  spec: { hosts: ['a.example.com'] },
};

function reviewOf(request: object): string {
  const kind = { group: 'networking.istio.io', version: 'v1', kind: 'ServiceEntry' };
  const resource = { group: 'networking.istio.io', version: 'v1', resource: 'serviceentries' };
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u-1', kind, resource, namespace: 'ns', name: 'a', userInfo: { username: 'me' }, ...request },
  });
}

const cwd = () => temporaryFolder({ 'mesh.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: ns }\n' });

test('an admitted request: exit code 0', async () => {
  const changes: Change[] = [];
  const decide = (change: Change) => {
    changes.push(change);
    const warning = { reason: 'access change', resource: '', field: '', message: 'it is new' };
    return { allowed: true, denials: [], warnings: [warning], rules: [] };
  };
  const { exitCode, stdout, stderr } = await run('review mesh.yaml', {
    cwd: cwd(),
    stdin: reviewOf({ operation: 'CREATE', object, oldObject: null }),
    decide,
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'AdmissionReview',
    response: { uid: 'u-1', allowed: true, warnings: ['it is new'] },
  });
  expect(changes).toMatchObject([{ operation: 'CREATE', object: { kind: 'ServiceEntry', metadata: { name: 'a' } } }]);
});

test('a denied request: exit code 1, with all reasons', async () => {
  const denial = {
    reason: 'door',
    resource: 'ServiceEntry ns/a',
    field: 'spec',
    message: 'it leaves directly; delete it first (door)',
  };
  const decide = () => ({ allowed: false, denials: [denial], warnings: [], rules: ['door'] });
  const { exitCode, stdout } = await run('review mesh.yaml', {
    cwd: cwd(),
    stdin: reviewOf({ operation: 'DELETE', object: null, oldObject: object }),
    decide,
  });
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    response: { allowed: false, status: { code: 403, message: 'it leaves directly; delete it first (door)' } },
  });
});

test.each([
  ['not JSON', '{', /^error: stdin: is not JSON: .*; give an AdmissionReview of admission\.k8s\.io\/v1\n$/],
  ['no review', '{}', /^error: stdin: .*; give an AdmissionReview of admission\.k8s\.io\/v1\n$/],
  [
    'a review without object',
    reviewOf({ operation: 'CREATE', object: null }),
    /^error: stdin: request\.object is missing/,
  ],
])('%s: exit code 2', async (_, stdin, message) => {
  const { exitCode, stdout, stderr } = await run('review mesh.yaml', { cwd: cwd(), stdin });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('standard input cannot hold the mesh as well', async () => {
  expect(await run('review -')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'error: standard input holds the AdmissionReview; name files or folders for the mesh\n',
  });
});
