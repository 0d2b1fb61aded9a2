import { exposePort } from '../designs/surroundings.ts';
import type { ObjectOf } from '../objects.ts';
import { add, clientNamespaces, named, ofKind, serversOf } from '../scene.ts';
import { change, changeAll, type Deviation, type Place } from './deviation.ts';

type Gateway = ObjectOf<'Gateway'>;
type Server = NonNullable<Gateway['spec']['servers']>[number];

function gatewayOf({ scene, flow }: Place): Gateway | undefined {
  return named(scene, 'Gateway', `gw-${flow.key}`);
}

function firstServerOf({ scene, flow }: Place): Server | undefined {
  return serversOf(scene, flow)[0];
}

/** Adds a Gateway on the same pods. */
function addGateway({ scene, flow, random }: Place, servers: Server[], name = 'tenant-gateway'): void {
  const namespace = random.pick([...clientNamespaces(scene), flow.gateway.namespace, 'platform']);
  const selector = random.chance(0.85) ? { selector: { ...flow.gateway.selector } } : {};
  add(
    scene,
    { kind: 'Gateway', metadata: { name, namespace }, spec: { ...selector, servers } },
    random.pick(['oldest', 'youngest']),
  );
}

/** About the Gateway of a host, and others on the same pods. */
export const gatewayDeviations = {
  'gateway-selector': (place) =>
    change(gatewayOf(place), ({ spec }) => {
      const { selector } = place.flow.gateway;
      const chosen = place.random.pick([
        { app: 'nope' },
        { ...selector, tier: 'x' },
        undefined,
        { ...place.flow.gateway.podLabels },
      ]);
      if (chosen === undefined) delete spec.selector;
      else spec.selector = chosen;
    }),
  'gateway-namespace': (place) =>
    change(gatewayOf(place), ({ metadata }) => {
      metadata.namespace = place.random.pick([...clientNamespaces(place.scene), 'platform']);
    }),
  'server-host-prefix': (place) =>
    change(firstServerOf(place), (server) => {
      const { host, gateway } = place.flow;
      server.hosts = [
        place.random.pick([
          `./${host}`,
          `${gateway.namespace}/${host}`,
          `team-a/${host}`,
          `platform/${host}`,
          `*/${host}`,
        ]),
      ];
    }),
  'server-host-wide': (place) =>
    change(firstServerOf(place), (server) => {
      const parent = place.flow.host.split('.').slice(1).join('.');
      server.hosts = place.random.pick([['*'], [`*.${parent}`], ['*.com'], ['*/*'], ['./*'], [`*.${place.flow.host}`]]);
    }),
  'server-host-other': (place) =>
    change(firstServerOf(place), (server) => {
      server.hosts = place.random.pick([['other.example.net'], ['third.example.net', '*.svc.cluster.local']]);
    }),
  'server-host-more': (place) =>
    change(firstServerOf(place), (server) => {
      const others = place.scene.flows.map(({ host }) => host).filter((host) => host !== place.flow.host);
      const more = place.random.pickAny([...others, 'third.example.net']) ?? '';
      if (place.random.chance(0.5)) server.hosts?.unshift(more);
      else server.hosts?.push(more);
    }),
  'server-host-twice': (place) =>
    change(firstServerOf(place), (server) => {
      const { host } = place.flow;
      server.hosts = place.random.pick([
        [`./${host}`, host],
        [host, host.toUpperCase()],
        [host, host],
      ]);
    }),
  'server-upper-case': (place) =>
    change(firstServerOf(place), (server) => {
      server.hosts = server.hosts?.map((host) => host.toUpperCase()) ?? [];
    }),
  'server-port': (place) =>
    change(firstServerOf(place), ({ port }) => {
      if (port !== undefined) port.number = place.random.pick([80, 443, 8080, 8443, 9443, 15_443]);
    }),
  'server-protocol': (place) =>
    change(firstServerOf(place), (server) => {
      const { port, tls } = server;
      const isSecure = tls !== undefined;
      if (port !== undefined)
        port.protocol = isSecure
          ? port.protocol === 'TLS'
            ? 'HTTPS'
            : 'TLS'
          : port.protocol === 'TCP'
            ? 'HTTP'
            : 'TCP';
    }),
  'server-mode': (place) =>
    change(firstServerOf(place)?.tls, (tls) => {
      const mode = place.random.pick([
        'PASSTHROUGH',
        'SIMPLE',
        'MUTUAL',
        'OPTIONAL_MUTUAL',
        'AUTO_PASSTHROUGH',
        'ISTIO_MUTUAL',
      ] as const);
      tls.mode = mode;
      if (mode === 'SIMPLE' || mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL') tls.credentialName = 'certificate';
      else delete tls.credentialName;
    }),
  'server-no-mode': (place) =>
    change(firstServerOf(place)?.tls, (tls) => {
      delete tls.mode;
    }),
  'server-builtin-certificate': (place) =>
    change(firstServerOf(place)?.tls, (tls) => {
      tls.mode = 'SIMPLE';
      tls.credentialName = 'builtin://';
    }),
  'server-plain': (place) =>
    change(firstServerOf(place), (server) => {
      if (server.port !== undefined) server.port.protocol = place.random.pick(['HTTP', 'HTTP', 'HTTP2', 'GRPC', 'TCP']);
      delete server.tls;
    }),
  'server-redirects': (place) =>
    change(firstServerOf(place), (server) => {
      if (server.port !== undefined) server.port.protocol = 'HTTP';
      server.tls = { httpsRedirect: place.random.chance(0.7) };
    }),
  'server-client-names': (place) =>
    change(firstServerOf(place)?.tls, (tls) => {
      const td = place.scene.mesh.trustDomain;
      tls.subjectAltNames = [
        place.random.pick([`spiffe://${td}/ns/team-a/sa/default`, `spiffe://${td}/ns/team-b/sa/x`, place.flow.host]),
      ];
    }),
  'server-trusts-anyone': (place) =>
    change(firstServerOf(place)?.tls, (tls) => {
      tls.insecureSkipVerify = true;
    }),
  'server-bind': (place) =>
    change(firstServerOf(place), (server) => {
      server.bind = place.random.pick(['10.11.12.13', '127.0.0.1', '0.0.0.0']);
    }),
  'server-twice': (place) =>
    change(firstServerOf(place), (server) => {
      const { random } = place;
      const copy = structuredClone(server);
      copy.port = { ...copy.port, name: 'second', number: random.pick([server.port?.number ?? 80, 443, 8443]) };
      if (copy.tls !== undefined && random.chance(0.6)) {
        copy.tls.mode = random.pick(['PASSTHROUGH', 'ISTIO_MUTUAL']);
        copy.port.protocol = random.pick(['TLS', 'HTTPS']);
      }
      if (random.chance(0.4)) copy.hosts = random.pick([['*'], ['*.example.com'], [place.flow.host.toUpperCase()]]);
      const servers = serversOf(place.scene, place.flow);
      if (random.chance(0.5)) servers.unshift(copy);
      else servers.push(copy);
    }),
  'server-of-tenant': (place) =>
    change(firstServerOf(place), (server) => {
      const { random, flow } = place;
      const copy = structuredClone(server);
      copy.port = { ...copy.port, name: 'tenant' };
      copy.hosts = [
        random.pick([flow.host, `./${flow.host}`, flow.host.toUpperCase(), '*', '*.com', 'third.example.net']),
      ];
      if (copy.tls !== undefined) copy.tls = { mode: random.pick(['ISTIO_MUTUAL', 'PASSTHROUGH']) };
      if (copy.tls !== undefined && random.chance(0.3)) copy.port.protocol = random.pick(['TLS', 'HTTPS']);
      addGateway(place, [copy]);
    }),
  'plain-server-of-tenant': (place) => {
    const { random, flow } = place;
    const protocol = random.pick(['HTTP', 'HTTP', 'TCP']);
    const port = { name: 'plain', number: random.pick([flow.hopPort, 80, 8080]), protocol };
    addGateway(place, [{ hosts: [random.pick(['*', flow.host, 'third.example.net'])], port }]);
    return true;
  },
  'one-gateway-for-all': ({ scene, flow }) => {
    const [first] = serversOf(scene, flow);
    const others = scene.flows.filter(
      (other) => other !== flow && other.hopPort === flow.hopPort && other.gateway === flow.gateway,
    );
    if (first?.hosts === undefined || others.length === 0) return false;
    first.hosts.push(...others.map(({ host }) => host));
    for (const { key } of others) {
      scene.objects = scene.objects.filter(({ kind, metadata }) => kind !== 'Gateway' || metadata.name !== `gw-${key}`);
      const text = JSON.stringify(scene.objects).replaceAll(`gw-${key}"`, `gw-${flow.key}"`);
      scene.objects = JSON.parse(text);
    }
    return true;
  },
  'service-target-port': ({ scene, flow, random }) =>
    change(serviceOf({ scene, flow, random }), ({ spec }) => {
      const port = spec.ports.find((one) => one.port === flow.hopPort);
      if (port !== undefined) port.targetPort = random.pick([8080, 8443, 9090]);
    }),
  'service-untranslated': (place) =>
    change(serviceOf(place), ({ metadata }) => {
      metadata.labels = { ...metadata.labels, 'experimental.istio.io/disable-gateway-port-translation': 'true' };
    }),
  'service-second': ({ scene, flow, random }) => {
    const { gateway } = flow;
    scene.surroundings.push({
      kind: 'Service',
      metadata: { name: random.pick(['a-second', 'z-second']), namespace: gateway.namespace },
      spec: {
        type: 'ClusterIP',
        selector: { ...gateway.podLabels },
        ports: [{ name: 'http', port: flow.hopPort, targetPort: random.pick([8080, 8443, 9090]), protocol: 'TCP' }],
      },
    });
    return true;
  },
  'service-port-missing': (place) =>
    change(serviceOf(place), ({ spec }) => {
      spec.ports = spec.ports.filter(({ port }) => port !== place.flow.hopPort);
      if (spec.ports.length === 0)
        spec.ports.push({ name: 'status', port: 15_021, targetPort: 15_021, protocol: 'TCP' });
    }),
  'service-more-ports': ({ scene, flow, random }) => {
    exposePort(scene, flow.gateway, random.pick([8443, 9443]), random.pick([8080, 8443, 80, 443]));
    return true;
  },
  'pods-marked-mutual': ({ scene, flow }) =>
    changeAll(
      ofKind(scene, 'Deployment').filter(({ metadata }) => metadata.name === flow.gateway.service),
      ({ spec }) => {
        spec.template.metadata.labels['security.istio.io/tlsMode'] = 'istio';
      },
    ),
  'pods-other-labels': ({ scene, flow }) =>
    changeAll(
      ofKind(scene, 'Deployment').filter(({ metadata }) => metadata.name === flow.gateway.service),
      ({ spec }) => {
        spec.template.metadata.labels['version'] = 'v2';
      },
    ),
} satisfies Record<string, Deviation>;

function serviceOf({ scene, flow }: Place): ObjectOf<'Service'> | undefined {
  return ofKind(scene, 'Service').find(
    ({ metadata }) => metadata.name === flow.gateway.service && metadata.namespace === flow.gateway.namespace,
  );
}
