import { describe, expect, test } from 'vitest';
import { type MergedGateway, mergeServers } from '../../src/istio/gateway-merge.ts';
import { readServers } from '../../src/istio/gateway-server.ts';
import { specOf } from './manifest.ts';

/** One server of a Gateway of its own: protocol and mode in a word, then hosts. */
interface Written {
  readonly is: keyof typeof kinds;
  readonly hosts?: readonly string[];
  readonly port?: number;
  readonly bind?: string;
  /** Gateways with the same name are one. */
  readonly gateway?: string;
}

const kinds = {
  http: { protocol: 'HTTP' },
  redirect: { protocol: 'HTTP', tls: { httpsRedirect: true } },
  grpc: { protocol: 'GRPC' },
  tcp: { protocol: 'TCP' },
  https: { protocol: 'HTTPS', tls: { mode: 'ISTIO_MUTUAL' } },
  tls: { protocol: 'TLS', tls: { mode: 'ISTIO_MUTUAL' } },
  passthrough: { protocol: 'TLS', tls: { mode: 'PASSTHROUGH' } },
} as const;

function merge(servers: readonly Written[]): MergedGateway {
  return mergeServers(
    servers.flatMap(({ is, hosts = ['*'], port = 443, bind, gateway }, index) => {
      const { protocol, ...rest } = kinds[is];
      const server = { port: { number: port, name: 'p', protocol }, hosts, ...(bind && { bind }), ...rest };
      const read = readServers(specOf('Gateway', { servers: [server] }, { name: gateway ?? `g${index}` }));
      return read.map((each) => ({ server: each, ports: [port] }));
    }),
  );
}

describe('the servers of one port, oldest first', () => {
  // pilot/pkg/model/gateway.go mergeGateways; gateway_test.go TestMergeGateways; the numbers are places in the list
  test.each<[what: string, servers: readonly Written[], kept: readonly number[], reasons: readonly string[]]>([
    ['one alone', [{ is: 'https' }], [0], []],
    [
      'TLS with other hosts',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'tls', hosts: ['b.com'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a host twice: the older has it',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'https', hosts: ['a.com'] },
      ],
      [0],
      ['duplicate-host'],
    ],
    [
      'a host twice drops the whole server',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'tls', hosts: ['a.com', 'b.com'] },
      ],
      [0],
      ['duplicate-host'],
    ],
    [
      'a dropped server claims no host',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'tls', hosts: ['a.com', 'b.com'] },
        { is: 'tls', hosts: ['b.com'] },
      ],
      [0, 2],
      ['duplicate-host'],
    ],
    [
      'a host in another case is another',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'https', hosts: ['A.com'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a host with a namespace is another',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'https', hosts: ['x/a.com'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a wildcard is another',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'https', hosts: ['*'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a host twice on two addresses',
      [
        { is: 'https', hosts: ['a.com'], bind: '1.1.1.1' },
        { is: 'https', hosts: ['a.com'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a host twice on two ports',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'https', hosts: ['a.com'], port: 8443 },
      ],
      [0, 1],
      [],
    ],
    ['HTTP and HTTP, with the same host too', [{ is: 'http' }, { is: 'http' }], [0, 1], []],
    ['HTTP and gRPC', [{ is: 'http' }, { is: 'grpc' }], [0, 1], []],
    ['HTTP, then TCP', [{ is: 'http' }, { is: 'tcp' }], [0], ['plaintext-conflict']],
    ['TCP, then HTTP', [{ is: 'tcp' }, { is: 'http' }], [0], ['plaintext-conflict']],
    ['TCP and TCP', [{ is: 'tcp' }, { is: 'tcp' }], [0], ['plaintext-conflict']],
    ['HTTP, then TLS: the platform is left out', [{ is: 'http' }, { is: 'https' }], [0], ['plaintext-conflict']],
    ['HTTP and TCP on two addresses', [{ is: 'http', bind: '1.1.1.1' }, { is: 'tcp' }], [0, 1], []],
    ['TLS, then HTTP: a door beside it', [{ is: 'https', hosts: ['a.com'] }, { is: 'http' }], [0, 1], []],
    ['TLS, then HTTP, then HTTP', [{ is: 'https', hosts: ['a.com'] }, { is: 'http' }, { is: 'http' }], [0, 1, 2], []],
    [
      'TLS, then HTTP, then TCP',
      [{ is: 'https', hosts: ['a.com'] }, { is: 'http' }, { is: 'tcp' }],
      [0, 1],
      ['plaintext-conflict'],
    ],
    [
      'TLS, then HTTP, then TLS',
      [{ is: 'https', hosts: ['a.com'] }, { is: 'http' }, { is: 'https', hosts: ['b.com'] }],
      [0, 1],
      ['plaintext-conflict'],
    ],
    [
      'two HTTPS of one Gateway with one port name',
      [
        { is: 'https', hosts: ['a.com'], gateway: 'g' },
        { is: 'https', hosts: ['b.com'], gateway: 'g' },
      ],
      [0],
      ['duplicate-route-name'],
    ],
    [
      'two TLS of one Gateway with one port name',
      [
        { is: 'tls', hosts: ['a.com'], gateway: 'g' },
        { is: 'tls', hosts: ['b.com'], gateway: 'g' },
      ],
      [0, 1],
      [],
    ],
    [
      'passthrough beside HTTPS',
      [
        { is: 'https', hosts: ['a.com'] },
        { is: 'passthrough', hosts: ['b.com'] },
      ],
      [0, 1],
      [],
    ],
    [
      'a redirect has tls, so that its hosts count',
      [
        { is: 'redirect', hosts: ['a.com'] },
        { is: 'redirect', hosts: ['a.com'] },
      ],
      [0],
      ['duplicate-host'],
    ],
  ])('%s', (_, servers, kept, reasons) => {
    const { listeners, dropped } = merge(servers);
    const alive = listeners.flatMap(({ groups }) => groups.flatMap((group) => group.servers));
    expect(alive.map(({ hosts }) => hosts).sort()).toEqual(kept.map((index) => servers[index]?.hosts ?? ['*']).sort());
    expect(dropped.map(({ reason }) => reason)).toEqual(reasons);
  });
});

describe('a merged gateway', () => {
  test('has a listener per address and port', () => {
    const { listeners } = merge([{ is: 'https' }, { is: 'http', port: 80 }, { is: 'http', port: 80, bind: '1.1.1.1' }]);
    expect(listeners.map(({ port, bind }) => [port, bind])).toEqual([
      [443, ''],
      [80, ''],
      [80, '1.1.1.1'],
    ]);
  });

  test('has one group for all plaintext HTTP servers of a listener', () => {
    const { listeners } = merge([
      { is: 'http', port: 80, hosts: ['a.com'] },
      { is: 'grpc', port: 80, hosts: ['b.com'] },
    ]);
    expect(listeners.map(({ groups }) => groups.map(({ isHttp, servers }) => [isHttp, servers.length]))).toEqual([
      [[true, 2]],
    ]);
  });

  test('tells who won', () => {
    const { dropped } = merge([
      { is: 'https', hosts: ['a.com'] },
      { is: 'https', hosts: ['a.com'] },
      { is: 'http', port: 80 },
      { is: 'tcp', port: 80 },
    ]);
    expect(dropped.map(({ server, port, winner }) => [server.gateway, port, winner?.gateway])).toEqual([
      ['ns/g1', 443, 'ns/g0'],
      ['ns/g3', 80, 'ns/g2'],
    ]);
  });
});
