import { describe, expect, test } from 'vitest';
import { type GatewayServer, hostsForNamespace, readServers } from '../../src/istio/gateway-server.ts';
import { specOf } from './manifest.ts';

function read(server: object): GatewayServer {
  const written = { port: { number: 443, name: 'x', protocol: 'HTTPS' }, hosts: ['a.com'], ...server };
  const [only] = readServers(specOf('Gateway', { servers: [written] }));
  if (only === undefined) throw new Error('no server');
  return only;
}

describe('what a server does with a connection', () => {
  // core/gateway.go buildGatewayTCPBasedFilterChains; pkg/config/gateway/gateway.go; `{}` is PASSTHROUGH, the zero value
  test.each<[protocol: string, tls: object | undefined, kind: GatewayServer['kind'], mode: GatewayServer['mode']]>([
    ['HTTP', undefined, 'http', 'NONE'],
    ['HTTP', {}, 'http', 'NONE'],
    ['HTTP', { httpsRedirect: true }, 'http', 'NONE'],
    ['HTTP2', undefined, 'http', 'NONE'],
    ['GRPC', undefined, 'http', 'NONE'],
    ['GRPC-Web', undefined, 'http', 'NONE'],
    ['http', undefined, 'http', 'NONE'],
    ['HTTPS', { mode: 'SIMPLE' }, 'tls-http', 'SIMPLE'],
    ['HTTPS', { mode: 'MUTUAL' }, 'tls-http', 'MUTUAL'],
    ['HTTPS', { mode: 'OPTIONAL_MUTUAL' }, 'tls-http', 'OPTIONAL_MUTUAL'],
    ['HTTPS', { mode: 'ISTIO_MUTUAL' }, 'tls-http', 'ISTIO_MUTUAL'],
    ['HTTPS', { mode: 'PASSTHROUGH' }, 'passthrough', 'PASSTHROUGH'],
    ['HTTPS', {}, 'passthrough', 'PASSTHROUGH'],
    ['HTTPS', { mode: 'AUTO_PASSTHROUGH' }, 'auto-passthrough', 'AUTO_PASSTHROUGH'],
    ['TLS', { mode: 'SIMPLE' }, 'tls-tcp', 'SIMPLE'],
    ['TLS', { mode: 'ISTIO_MUTUAL' }, 'tls-tcp', 'ISTIO_MUTUAL'],
    ['TLS', { mode: 'PASSTHROUGH' }, 'passthrough', 'PASSTHROUGH'],
    ['TLS', { mode: 'AUTO_PASSTHROUGH' }, 'auto-passthrough', 'AUTO_PASSTHROUGH'],
    ['TCP', undefined, 'tcp', 'NONE'],
    ['MONGO', undefined, 'tcp', 'NONE'],
    ['MYSQL', undefined, 'tcp', 'NONE'],
    ['REDIS', undefined, 'tcp', 'NONE'],
  ])('%s with tls %j: %s, %s', (protocol, tls, kind, mode) => {
    const server = read({ port: { number: 80, name: 'x', protocol }, ...(tls && { tls }) });
    expect(server).toMatchObject({ kind, mode, hasTls: tls !== undefined });
  });
});

describe('the hosts of a server', () => {
  // pilot/pkg/model/gateway.go sanitizeServerHostNamespace; core/gateway.go GetSNIHostsForServer
  test.each([
    [['a.com'], ['a.com'], ['a.com']],
    [['./a.com'], ['ns/a.com'], ['a.com']],
    [['*/a.com'], ['a.com'], ['a.com']],
    [['other/a.com'], ['other/a.com'], ['a.com']],
    [['*'], ['*'], ['*']],
    [['*/*'], ['*'], ['*']],
    [['./a.com', '*/*'], ['*'], ['*']],
    [
      ['b.com', 'a.com'],
      ['b.com', 'a.com'],
      ['a.com', 'b.com'],
    ],
    [['a.com', 'x/a.com'], ['a.com', 'x/a.com'], ['a.com']],
    [
      ['A.com', 'a.com'],
      ['A.com', 'a.com'],
      ['A.com', 'a.com'],
    ],
  ])('%j are %j; server names %j', (hosts, sanitized, serverNames) => {
    expect(read({ hosts })).toMatchObject({ hosts: sanitized, serverNames });
  });

  // pkg/config/host/names.go NamesForNamespace
  test.each([
    [['a.com', 'x/b.com', './c.com', '*/d.com'], 'x', ['a.com', 'b.com', 'd.com']],
    [['a.com', 'x/b.com', './c.com'], 'ns', ['a.com', 'c.com']],
    [['x/a.com'], 'y', []],
  ])('%j for a VirtualService of %s: %j', (hosts, namespace, admitted) => {
    expect(hostsForNamespace(read({ hosts }), namespace)).toEqual(admitted);
  });
});

describe('readServers', () => {
  test('resolves zero values', () => {
    expect(read({ tls: { mode: 'ISTIO_MUTUAL' } })).toMatchObject({
      gateway: 'ns/it',
      field: 'spec.servers[0]',
      number: 443,
      portName: 'x',
      protocol: 'HTTPS',
      bind: '',
      isHttpsRedirect: false,
      acceptsUntrusted: false,
      subjectAltNames: [],
      credentialName: '',
    });
  });

  test('reads what weakens or restricts TLS', () => {
    const tls = {
      mode: 'MUTUAL',
      insecureSkipVerify: true,
      subjectAltNames: ['spiffe://a'],
      credentialNames: ['c', 'd'],
    };
    expect(read({ bind: '10.0.0.1', tls })).toMatchObject({
      bind: '10.0.0.1',
      acceptsUntrusted: true,
      subjectAltNames: ['spiffe://a'],
      credentialName: 'c',
    });
    expect(
      read({ port: { number: 80, name: 'x', protocol: 'HTTP' }, tls: { httpsRedirect: true } }).isHttpsRedirect,
    ).toBe(true);
  });

  test('keeps the place of each server, without those that have no port', () => {
    const port = { number: 80, name: 'x', protocol: 'HTTP' };
    const servers = [
      { port, hosts: ['a.com'] },
      { port: { ...port, number: 0 }, hosts: ['b.com'] },
      { port, hosts: ['c.com'] },
    ];
    const fields = readServers(specOf('Gateway', { servers })).map(({ field }) => field);
    expect(fields).toEqual(['spec.servers[0]', 'spec.servers[2]']);
    expect(readServers(specOf('Gateway', {}))).toEqual([]);
  });
});
