import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { judgedKinds } from '../../../src/admission/judged-kinds.ts';
import { displayRef, idOf, type ResourceRef, refOf } from '../../../src/istio/resources.ts';
import { defaultTiming, type Timing } from '../../../src/sources/cluster/timing.ts';
import { type ClusterListener, type ClusterScope, WatchedCluster } from '../../../src/sources/cluster/watch-cluster.ts';
import { reflectedNames, watchedKinds } from '../../../src/sources/cluster/watched-kinds.ts';
import { type ClusterObject, configMapsPath, podsPath, serveAllKinds, store } from './cluster-objects.ts';
import { startApiServer } from './start-api-server.ts';

const timing: Timing = { ...defaultTiming, minBackoff: 2, maxBackoff: 20, rest: 2, rediscovery: 10, answer: 500 };

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { interval: 3, timeout: 10_000 });

const gateway = (name: string, selector: Readonly<Record<string, string>>): ClusterObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { namespace: 'istio-egress', name },
  spec: { selector, servers: [] },
});

const pod = (name: string, labels: Readonly<Record<string, string>>, annotations = {}): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'istio-egress', name, labels, annotations },
  spec: { serviceAccountName: 'egress', containers: [{ name: 'istio-proxy' }] },
});

const meshConfig = (mesh: string, name = 'istio'): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'istio-system', name },
  data: { mesh },
});

const defaultScope: ClusterScope = { meshConfigMap: { namespace: 'istio-system', name: 'istio' }, egressGateways: [] };

async function start(objects: readonly ClusterObject[], scope = defaultScope) {
  const { server, client } = await startApiServer();
  serveAllKinds(server);
  store(server, objects);
  const log: string[] = [];
  const listener: ClusterListener = {
    onSynced: () => log.push('synced'),
    onChanges: (changes) => {
      for (const change of changes)
        log.push(
          `${change.operation} ${displayRef(refOf(change.operation === 'DELETE' ? change.oldObject : change.object))}`,
        );
    },
    onKindSynced: () => {},
    onContact: () => {},
    onRestart: () => {},
    onDrift: () => {},
    onUnreadable: (kind, key, why) => log.push(`unreadable ${kind} ${key}: ${why}`),
    onBug: (error) => log.push(`bug ${String(error)}`),
  };
  const watch = (): WatchedCluster => {
    const cluster = new WatchedCluster(scope, { client, listener, timing });
    onTestFinished(() => cluster.close());
    return cluster;
  };
  return { server, log, watch };
}

const idsOf = (cluster: WatchedCluster): readonly string[] =>
  [...cluster.resources()].map((r) => idOf(refOf(r))).sort();

test('every kind that is judged is watched', () => {
  const watched = new Set(watchedKinds.map(({ group, kind }) => `${group}/${kind}`));
  const judged = Object.entries(judgedKinds).flatMap(([group, kinds]) =>
    Object.keys(kinds).map((kind) => `${group}/${kind}`),
  );
  expect(judged.filter((kind) => !watched.has(kind))).toEqual([]);
  expect(new Set(reflectedNames).size).toBe(reflectedNames.length);
});

test('is ready when everything was listed, also what the first lists led to', async () => {
  const { server, log, watch } = await start([
    gateway('egress', { istio: 'egressgateway' }),
    pod('one', { istio: 'egressgateway' }),
    pod('app', { app: 'shop' }),
    meshConfig('trustDomain: td'),
    meshConfig('trustDomain: other', 'istio-canary'),
    { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'istio-egress', name: 'gw' }, spec: { ports: [] } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  ]);
  server.script = ({ path }) => (path === podsPath ? { kind: 'status', status: 503 } : undefined);
  const cluster = watch();
  expect(cluster.notReadyReasons()).toContain('ServiceEntry is not listed yet');
  await eventually(() =>
    expect(cluster.notReadyReasons()).toEqual(['Pod is not listed yet: GET /api/v1/pods: no 503']),
  );
  expect(log).toEqual([]);
  server.script = () => undefined;
  await eventually(() => expect(log).toEqual(['synced']));
  expect(idsOf(cluster)).toEqual([
    'Gateway istio-egress/egress',
    'MeshConfig istio-system/istio',
    'Namespace /shop',
    'Service istio-egress/gw',
    'Workload istio-egress/Pod/one',
  ]);
  expect(cluster.notAliveReasons()).toEqual([]);
});

test('stays ready when the server goes away, and says what it lacks before', async () => {
  const { server, log, watch } = await start([]);
  server.script = ({ path }) => (path.endsWith('/sidecars') ? { kind: 'status', status: 403 } : undefined);
  const cluster = watch();
  await eventually(() =>
    expect(cluster.notReadyReasons()).toEqual([
      'Sidecar is not listed yet: GET /apis/networking.istio.io/v1/sidecars: no 403',
    ]),
  );
  server.script = () => undefined;
  await eventually(() => expect(log).toEqual(['synced']));
  server.script = () => ({ kind: 'cut' });
  server.cutAll();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(cluster.notReadyReasons()).toEqual([]);
});

test('pods come and go with the Gateways that select them', async () => {
  const { server, log, watch } = await start([
    pod('one', { istio: 'egressgateway', app: 'gw' }),
    pod('two', { app: 'gw' }),
  ]);
  const cluster = watch();
  await eventually(() => expect(log).toEqual(['synced']));
  store(server, [gateway('a', { istio: 'egressgateway' })]);
  await eventually(() =>
    expect(log.slice(1)).toEqual(['CREATE Gateway istio-egress/a', 'CREATE Pod istio-egress/one']),
  );
  store(server, [gateway('b', { app: 'gw' })]);
  await eventually(() => expect(log.slice(4)).toContain('CREATE Pod istio-egress/two'));
  log.length = 0;
  server.remove('/apis/networking.istio.io/v1/gateways', 'istio-egress/b');
  await eventually(() => expect(log).toEqual(['DELETE Gateway istio-egress/b', 'DELETE Pod istio-egress/two']));
  store(server, [gateway('a', {}), gateway('c', { 'no label': '!' })]);
  await eventually(() => expect(log).toContain('CREATE Gateway istio-egress/c'));
  await eventually(() => expect(log).toContain('DELETE Pod istio-egress/one'));
  expect(idsOf(cluster)).toEqual(['Gateway istio-egress/a', 'Gateway istio-egress/c']);
});

test('what changes about a pod beside its labels and ports is no change', async () => {
  const labels = { istio: 'egressgateway' };
  const { server, log, watch } = await start([gateway('a', labels), pod('one', labels)]);
  const cluster = watch();
  await eventually(() => expect(log).toEqual(['synced']));
  store(server, [{ ...pod('one', labels, { 'sidecar.istio.io/status': 'x' }), status: { phase: 'Running' } }]);
  const ref = { kind: 'Workload', namespace: 'istio-egress', name: 'Pod/one' } as const;
  const version = server.objects(podsPath)[0]?.metadata.resourceVersion;
  await eventually(() => expect(cluster.find(ref)?.metadata.resourceVersion).toBe(version));
  expect(log).toEqual(['synced']);
});

test('the settings select pods, and the ConfigMap of a revision', async () => {
  const namespaced = '/api/v1/namespaces/istio-egress/pods';
  const { server, log, watch } = await start([
    meshConfig('trustDomain: one'),
    meshConfig('trustDomain: two', 'istio-x'),
  ]);
  server.serve(namespaced);
  server.put(namespaced, pod('one', { app: 'gw' }));
  const cluster = watch();
  await eventually(() => expect(log).toEqual(['synced']));
  cluster.rescope({
    meshConfigMap: { namespace: 'istio-system', name: 'istio-x' },
    egressGateways: [{ namespace: 'istio-egress', selector: { app: 'gw' } }],
  });
  await eventually(() =>
    expect(idsOf(cluster)).toEqual(['MeshConfig istio-system/istio-x', 'Workload istio-egress/Pod/one']),
  );
  expect(log.slice(1).toSorted()).toEqual([
    'CREATE ConfigMap istio-system/istio-x',
    'CREATE Pod istio-egress/one',
    'DELETE ConfigMap istio-system/istio',
  ]);
});

test('a mesh configuration that is no YAML leaves the last one in force', async () => {
  const { server, log, watch } = await start([meshConfig('trustDomain: one')]);
  const cluster = watch();
  await eventually(() => expect(log).toEqual(['synced']));
  store(server, [meshConfig('trustDomain: [')]);
  await eventually(() =>
    expect(log.at(-1)).toMatch(/^unreadable MeshConfig istio-system\/istio: data.mesh is not YAML/),
  );
  expect([...cluster.resources()]).toMatchObject([{ spec: { trustDomain: 'one' } }]);
  server.remove(configMapsPath, 'istio-system/istio');
  await eventually(() => expect(log.at(-1)).toBe('DELETE ConfigMap istio-system/istio'));
});

test('knows a namespace that is being deleted', async () => {
  const namespace = (metadata: object): ClusterObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', ...metadata },
  });
  const { server, log, watch } = await start([namespace({})]);
  const cluster = watch();
  await eventually(() => expect(log).toEqual(['synced']));
  expect(cluster.isTerminating('shop')).toBe(false);
  store(server, [namespace({ deletionTimestamp: '2026-11-21T00:00:00Z' })]);
  await eventually(() => expect(cluster.isTerminating('shop')).toBe(true));
});

describe('what a watch has not told yet', () => {
  const gateways = '/apis/networking.istio.io/v1/gateways';
  const ref = (name: string): ResourceRef => ({ kind: 'Gateway', namespace: 'istio-egress', name });
  const soon = (): AbortSignal => AbortSignal.timeout(1_000);

  /** A cluster whose watch of Gateways tells one event and no more, until its connection is cut. */
  async function startLagging() {
    const { server, log, watch } = await start([gateway('a', {}), gateway('b', {})]);
    server.script = ({ path, query }) =>
      path === gateways && query.has('sendInitialEvents') ? { kind: 'half-open', events: 1 } : undefined;
    const cluster = watch();
    await eventually(() => expect(log).toEqual(['synced']));
    store(server, [gateway('one', {})]);
    await eventually(() => expect(log).toEqual(['synced', 'CREATE Gateway istio-egress/one']));
    log.length = 0;
    return { server, log, cluster };
  }

  test('can be read, resource by resource', async () => {
    const { server, log, cluster } = await startLagging();
    store(server, [gateway('a', { istio: 'other' })]);
    server.remove(gateways, 'istio-egress/b');
    await cluster.read([ref('a'), ref('b'), ref('one'), ref('never')], soon());
    const told = ['DELETE Gateway istio-egress/b', 'UPDATE Gateway istio-egress/a'];
    expect(log.toSorted()).toEqual(told);
    server.cutAll(); // the next watch tells it all
    store(server, [gateway('last', {})]);
    await eventually(() => expect(log.at(-1)).toBe('CREATE Gateway istio-egress/last'));
    expect(log.toSorted()).toEqual(['CREATE Gateway istio-egress/last', ...told]);
  });

  test('can be read, wherever it is', async () => {
    const { server, log, cluster } = await startLagging();
    store(server, [gateway('a', { istio: 'other' }), gateway('c', {})]);
    server.remove(gateways, 'istio-egress/b');
    await cluster.catchUp(soon());
    expect(log.toSorted()).toEqual([
      'CREATE Gateway istio-egress/c',
      'DELETE Gateway istio-egress/b',
      'UPDATE Gateway istio-egress/a',
    ]);
    await cluster.catchUp(soon());
    expect(log).toHaveLength(3);
  });

  test('does not make what is known older again', async () => {
    const { server, log, cluster } = await startLagging();
    store(server, [gateway('a', { istio: 'first' })]);
    server.script = ({ path, isWatch }) => (path === gateways && isWatch ? { kind: 'slow', ms: 60 } : undefined);
    store(server, [gateway('a', { istio: 'second' })]);
    await cluster.read([ref('a')], soon());
    server.cutAll(); // the next watch begins with what was first
    store(server, [gateway('last', {})]);
    await eventually(() => expect(log.at(-1)).toBe('CREATE Gateway istio-egress/last'));
    expect(log).toEqual(['UPDATE Gateway istio-egress/a', 'CREATE Gateway istio-egress/last']);
  });

  test('is an error where the server does not answer', async () => {
    const { server, cluster } = await startLagging();
    server.script = () => ({ kind: 'silence' });
    await expect(cluster.read([ref('a')], AbortSignal.timeout(20))).rejects.toThrow('timeout');
    await expect(cluster.catchUp(AbortSignal.timeout(20))).rejects.toThrow('timeout');
  });
});
