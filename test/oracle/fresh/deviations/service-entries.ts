import type { ObjectOf } from '../objects.ts';
import { add, clientNamespaces, named, remove } from '../scene.ts';
import { change, type Deviation, type Place } from './deviation.ts';

type ServiceEntry = ObjectOf<'ServiceEntry'>;

function entryOf({ scene, flow }: Place): ServiceEntry | undefined {
  return named(scene, 'ServiceEntry', `se-${flow.key}`);
}

function firstPortOf(place: Place): NonNullable<ServiceEntry['spec']['ports']>[number] | undefined {
  return entryOf(place)?.spec.ports?.[0];
}

/** About the ServiceEntry of a host, and others for the same one. */
export const serviceEntryDeviations = {
  'entry-removed': ({ scene, flow }) => {
    if (named(scene, 'ServiceEntry', `se-${flow.key}`) === undefined) return false;
    remove(scene, 'ServiceEntry', `se-${flow.key}`);
    return true;
  },
  'entry-export-to': (place) =>
    change(entryOf(place), ({ spec }) => {
      const { gateway } = place.flow;
      const clients = clientNamespaces(place.scene);
      const own = place.random.pick(clients);
      spec.exportTo = place.random.pick([
        ['.'],
        [own],
        [gateway.namespace],
        [own, gateway.namespace],
        ['*'],
        ['~'],
        [...clients],
      ]);
    }),
  'entry-namespace': (place) =>
    change(entryOf(place), ({ metadata }) => {
      const { scene, random } = place;
      metadata.namespace = random.pick([...clientNamespaces(scene), scene.mesh.rootNamespace, 'platform']);
    }),
  'entry-resolution': (place) =>
    change(entryOf(place), ({ spec }) => {
      delete spec.endpoints;
      const kind = place.random.pick(['NONE', 'STATIC', 'endpoints', 'absent']);
      if (kind === 'NONE') spec.resolution = 'NONE';
      if (kind === 'absent') delete spec.resolution;
      if (kind === 'STATIC') Object.assign(spec, { resolution: 'STATIC', endpoints: [{ address: '198.51.100.7' }] });
      if (kind === 'endpoints')
        Object.assign(spec, { resolution: 'DNS', endpoints: [{ address: 'origin.example.net' }] });
    }),
  'entry-endpoint-ports': (place) =>
    change(entryOf(place), ({ spec }) => {
      const [port] = spec.ports ?? [];
      spec.resolution = 'STATIC';
      spec.endpoints = [
        { address: '198.51.100.8', ports: { [port?.name ?? '']: place.random.pick([443, 8443, 9000]) } },
      ];
    }),
  'entry-protocol': (place) =>
    change(firstPortOf(place), (port) => {
      const protocol = place.random.pick([
        'TCP',
        'TLS',
        'HTTPS',
        'HTTP',
        'HTTP2',
        'GRPC',
        'http',
        'MONGO',
        'MYSQL',
        '',
      ]);
      if (protocol !== '') port.protocol = protocol;
      else delete port.protocol;
      if (protocol === '' && place.random.chance(0.5)) port.name = 'main'; // the name says no protocol either
    }),
  'entry-port-number': (place) =>
    change(firstPortOf(place), (port) => {
      port.number = place.random.pick([8080, 8443, 443, 80]);
    }),
  'entry-target-port': (place) =>
    change(firstPortOf(place), (port) => {
      if (port.targetPort === undefined) port.targetPort = place.random.pick([443, 8443]);
      else delete port.targetPort;
    }),
  'entry-more-ports': (place) =>
    change(entryOf(place), ({ spec }) => {
      const used = new Set(spec.ports?.map(({ number }) => number));
      const more = [
        { name: 'more-tls', number: 443, protocol: place.random.pick(['TLS', 'HTTPS']) },
        { name: 'more-http', number: 8080, protocol: 'HTTP' },
        { name: 'more-tcp', number: 9000, protocol: 'TCP' },
        { name: 'more-80', number: 80, protocol: place.random.pick(['HTTP', 'TCP', 'MYSQL']) },
      ].filter(({ number }) => !used.has(number));
      const extra = place.random.pickAny(more);
      if (extra !== undefined) spec.ports?.push(extra);
    }),
  'entry-internal': (place) =>
    change(entryOf(place), ({ spec }) => {
      spec.location = 'MESH_INTERNAL';
    }),
  'entry-upper-case': (place) =>
    change(entryOf(place), ({ spec }) => {
      spec.hosts = spec.hosts?.map((host) => host.toUpperCase()) ?? [];
    }),
  'entry-more-hosts': (place) =>
    change(entryOf(place), ({ spec }) => {
      const host = place.random.pick(['cdn.example.net', `www.${place.flow.host}`, 'third.example.net']);
      if (place.random.chance(0.5)) spec.hosts?.unshift(host);
      else spec.hosts?.push(host);
    }),
  'entry-addresses': (place) =>
    change(entryOf(place), ({ spec }) => {
      const [address] = spec.addresses ?? [];
      if (address === undefined) spec.addresses = ['10.99.1.20'];
      else if (place.random.chance(0.5)) delete spec.addresses;
      else
        spec.addresses = place.random.pick([
          ['10.99.0.0/16'],
          ['10.99.1.0/24'],
          [address, '10.99.1.50'],
          ['10.99.1.99'],
        ]);
      if (spec.addresses?.some((one) => one.includes('/')) === true) spec.resolution = 'NONE';
    }),
  'entry-names': (place) =>
    change(entryOf(place), ({ spec }) => {
      spec.subjectAltNames = [place.random.pick([place.flow.host, 'other.example.net'])];
    }),
  'entry-of-tenant': (place) =>
    change(entryOf(place), (entry) => {
      const { scene, random } = place;
      const copy = structuredClone(entry);
      const { spec } = copy;
      copy.metadata = { name: 'tenant', namespace: random.pick([...clientNamespaces(scene), 'platform']) };
      delete spec.exportTo;
      if (random.chance(0.5)) spec.exportTo = random.pick([['.'], ['*'], ['.', place.flow.gateway.namespace]]);
      vary(spec, random.int(6), random.pick(['TCP', 'HTTP', 'TLS', 'HTTPS', 'MONGO']));
      add(scene, copy, random.pick(['oldest', 'youngest']));
    }),
  'entry-twice': (place) =>
    change(entryOf(place), (entry) => {
      const { scene, random } = place;
      const copy = structuredClone(entry);
      copy.metadata.name = `${entry.metadata.name}-again`;
      vary(copy.spec, random.int(6), random.pick(['TCP', 'HTTP', 'TLS', 'HTTPS', 'MONGO']));
      if (random.chance(0.3)) copy.spec.exportTo = ['.'];
      add(scene, copy, random.pick(['oldest', 'youngest']));
    }),
  'entry-wildcard': (place) => {
    const { scene, random, flow } = place;
    const host = `*.${flow.host.split('.').slice(1).join('.')}`;
    if (flow.host.startsWith('*') || host.split('.').length < 3) return false;
    const port = entryOf(place)?.spec.ports?.[0] ?? { name: 'http', number: 80, protocol: 'HTTP' };
    add(
      scene,
      {
        kind: 'ServiceEntry',
        metadata: { name: 'wildcard', namespace: random.pick([flow.gateway.namespace, ...clientNamespaces(scene)]) },
        spec: { hosts: [host], location: 'MESH_EXTERNAL', ports: [structuredClone(port)], resolution: 'NONE' },
      },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
} satisfies Record<string, Deviation>;

/** One of six ways to differ from another ServiceEntry for the same host. */
function vary(spec: ServiceEntry['spec'], way: number, protocol: string): void {
  const [first] = spec.ports ?? [];
  if (way === 0 && first !== undefined) first.protocol = protocol;
  if (way === 1) spec.ports = [{ name: 'other', number: first?.number === 443 ? 80 : 443, protocol }];
  if (way === 2) Object.assign(spec, { resolution: 'STATIC', endpoints: [{ address: '198.51.100.66' }] });
  if (way === 3) spec.ports?.push({ name: 'extra', number: 8081, protocol });
  if (way === 4) spec.resolution = 'NONE';
}
