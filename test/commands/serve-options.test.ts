import { expect, test } from 'vitest';
import { parseServeFlags, type ServeFlags } from '../../src/commands/serve-options.ts';

const flags: ServeFlags = { files: [], host: '0.0.0.0', port: '9443', opsPort: '9090', shutdownDelay: '10s' };

test('in a cluster, certificates are self-managed in the namespace of the pod', () => {
  expect(parseServeFlags(flags, { POD_NAMESPACE: 'guard' })).toEqual({
    mesh: { from: 'cluster' },
    certificate: {
      from: 'cluster',
      mode: 'self-managed',
      secret: 'egress-guard-certificate',
      webhookConfiguration: 'egress-guard',
      service: 'egress-guard',
      namespace: 'guard',
    },
    host: '0.0.0.0',
    port: 9443,
    opsPort: 9090,
    shutdownDelayMs: 10_000,
  });
});

test('a flag outranks the environment', () => {
  const { certificate } = parseServeFlags(
    { ...flags, namespace: 'mine', tlsMode: 'cert-manager' },
    { POD_NAMESPACE: 'guard' },
  );
  expect(certificate).toMatchObject({ mode: 'cert-manager', namespace: 'mine' });
});

test('files need no cluster, and no certificate either', () => {
  expect(parseServeFlags({ ...flags, files: ['k'], port: '0', shutdownDelay: '250ms' }, {})).toEqual({
    mesh: { from: 'files', paths: ['k'] },
    certificate: { from: 'nowhere' },
    host: '0.0.0.0',
    port: 0,
    opsPort: 9090,
    shutdownDelayMs: 250,
  });
});

test('a certificate may come from files while the mesh comes from the cluster', () => {
  expect(
    parseServeFlags({ ...flags, tlsCert: 'c.pem', tlsKey: 'k.pem', settings: 's.yaml', shutdownDelay: '1m' }, {}),
  ).toMatchObject({
    mesh: { from: 'cluster' },
    certificate: { from: 'files', cert: 'c.pem', key: 'k.pem' },
    settings: 's.yaml',
    shutdownDelayMs: 60_000,
  });
});
