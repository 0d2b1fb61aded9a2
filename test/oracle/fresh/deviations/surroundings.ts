import { podOf } from '../designs/surroundings.ts';
import { type ObjectOf, timestamp } from '../objects.ts';
import { add, clientNamespaces, ofKind } from '../scene.ts';
import { change, changeAll, type Deviation, type Place } from './deviation.ts';

type SidecarSpec = ObjectOf<'Sidecar'>['spec'];

/** The Service ports of the gateway, as `egress[].port` names them. */
function importsFor({ scene, flow, random }: Place): string[] {
  const { gateway, host } = flow;
  const own = random.pick(clientNamespaces(scene));
  const other = scene.flows.find(({ key }) => key !== flow.key)?.host ?? 'third.example.net';
  return random.pick([
    ['./*'],
    ['*/*'],
    [`${gateway.namespace}/*`],
    ['./*', `${gateway.namespace}/*`],
    [`${gateway.namespace}/${host}`],
    [`*/${host}`],
    [`./${host}`],
    [`${gateway.namespace}/${gateway.host}`],
    [`*/${gateway.host}`, './*'],
    [`${gateway.namespace}/${other}`],
    [`${own}/*`, 'istio-system/*'],
    ['*/*.example.com'],
    ['*/*.com', `${gateway.namespace}/*.svc.cluster.local`],
    ['~/*'],
    [`~${gateway.namespace}/*`, '*/*'],
  ]);
}

/** About the mesh, its clients, and what they import. */
export const surroundingsDeviations = {
  'outbound-policy': ({ scene }) => {
    const { outboundTrafficPolicy: policy } = scene.mesh;
    policy.mode = policy.mode === 'ALLOW_ANY' ? 'REGISTRY_ONLY' : 'ALLOW_ANY';
    return true;
  },
  'trust-domain': ({ scene, random }) => {
    scene.mesh.trustDomain = random.pick(['other.domain', 'corp.example', 'cluster.local']);
    if (random.chance(0.4)) scene.mesh.trustDomainAliases = [random.pick(['old.example', 'cluster.local'])];
    return true;
  },
  'default-exports': ({ scene, flow, random }) => {
    const scope = random.pick([['.'], ['*'], [flow.gateway.namespace]]);
    const field = random.pick([
      'defaultServiceExportTo',
      'defaultVirtualServiceExportTo',
      'defaultDestinationRuleExportTo',
    ] as const);
    scene.mesh[field] = scope;
    return true;
  },
  'no-automatic-mutual': ({ scene }) => {
    scene.mesh.enableAutoMtls = false;
    return true;
  },
  'root-namespace': ({ scene, flow, random }) => {
    scene.mesh.rootNamespace = random.pick(['istio-config', flow.gateway.namespace, 'team-a']);
    return true;
  },
  'peer-authentication': ({ scene, flow, random }) => {
    const namespace = random.pick([flow.gateway.namespace, scene.mesh.rootNamespace, ...clientNamespaces(scene)]);
    const mode = random.pick(['STRICT', 'DISABLE', 'PERMISSIVE', 'UNSET'] as const);
    const name = `mode-${ofKind(scene, 'PeerAuthentication').length}`;
    add(
      scene,
      { kind: 'PeerAuthentication', metadata: { name, namespace }, spec: { mtls: { mode } } },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
  'sidecar-of-namespace': (place) => {
    const { scene, random } = place;
    const namespace = random.pick([...clientNamespaces(scene), scene.mesh.rootNamespace]);
    const spec: SidecarSpec = { egress: [{ hosts: importsFor(place) }] };
    if (random.chance(0.3))
      spec.outboundTrafficPolicy = random.pick([{ mode: 'ALLOW_ANY' as const }, { mode: 'REGISTRY_ONLY' as const }]);
    if (random.chance(0.1)) spec.outboundTrafficPolicy = {};
    addSidecar(place, namespace, spec);
    return true;
  },
  'sidecar-of-pods': (place) => {
    const labels = place.random.pick<Record<string, string>>([{ app: 'a' }, { app: 'b' }, { app: 'c', tier: 'web' }]);
    const namespace = place.random.pick(clientNamespaces(place.scene));
    addSidecar(place, namespace, { workloadSelector: { labels }, egress: [{ hosts: importsFor(place) }] });
    return true;
  },
  'sidecar-with-ports': (place) => {
    const { random, scene } = place;
    const port = random.pickAny(ofKind(scene, 'ServiceEntry').flatMap(({ spec }) => spec.ports ?? []));
    if (port?.number === undefined || port.protocol === undefined) return false;
    const { number } = port;
    // Whatever the services' ports speak, the listener's own protocol counts.
    const protocol = random.chance(0.7) ? port.protocol : random.pick(['TCP', 'TLS', 'HTTP', 'MONGO']);
    const bound = random.chance(0.7)
      ? {}
      : random.pick([{ bind: '127.0.0.1' }, { bind: '10.99.1.1' }, { bind: '0.0.0.0' }, { captureMode: 'NONE' }]);
    const listener = { port: { number, name: 'chosen', protocol }, hosts: importsFor(place), ...bound };
    // Beside it one for all other ports, which serves this one too where the first has no service for it.
    const others = random.chance(0.6) ? [{ hosts: importsFor(place) }] : [];
    addSidecar(place, random.pick(clientNamespaces(scene)), { egress: [listener, ...others] });
    return true;
  },
  'sidecar-without-egress': (place) => {
    addSidecar(place, place.random.pick(clientNamespaces(place.scene)), {
      outboundTrafficPolicy: { mode: place.random.pick(['ALLOW_ANY', 'REGISTRY_ONLY']) },
    });
    return true;
  },
  'sidecar-egress-proxy': (place) => {
    const { flow, random, scene } = place;
    const subset = random.chance(0.5) ? { subset: flow.key } : {};
    const egressProxy = { host: flow.gateway.host, port: { number: flow.hopPort }, ...subset };
    // Without an import of its own the gateway's Service is there only where a VirtualService leads to it.
    const own = random.chance(0.5) ? [`${flow.gateway.namespace}/${flow.gateway.host}`] : [];
    const hosts = [...own, ...importsFor(place)];
    addSidecar(place, random.pick(clientNamespaces(scene)), {
      egress: [{ hosts }],
      outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy },
    });
    return true;
  },
  'client-beside-gateway': ({ scene, flow }) => {
    const { namespace } = flow.gateway;
    if (ofKind(scene, 'Pod').some(({ metadata }) => metadata.namespace === namespace)) return false;
    scene.surroundings.push(podOf({ namespace, pod: 'inside', serviceAccount: 'inside', labels: { app: 'inside' } }));
    return true;
  },
  'client-other-labels': ({ scene, random }) =>
    change(random.pickAny(ofKind(scene, 'Pod')), ({ metadata }) => {
      metadata.labels = { ...metadata.labels, tier: 'web' };
    }),
  'probe-other-port': ({ flow, scene, random }) => {
    const index = scene.flows.indexOf(flow);
    const [probe] = flow.probes;
    if (probe === undefined || index === -1) return false;
    const other = { ...probe, port: random.pick([8080, 443, 80, 9443]) };
    scene.flows[index] = { ...flow, probes: [...flow.probes, other] };
    return true;
  },
  'probe-other-protocol': ({ flow, scene, random }) => {
    const index = scene.flows.indexOf(flow);
    const [probe] = flow.probes;
    if (probe === undefined || index === -1) return false;
    const protocol = random.pickAny((['http', 'tls', 'tcp'] as const).filter((one) => one !== probe.protocol)) ?? 'tcp';
    scene.flows[index] = { ...flow, probes: [...flow.probes, { ...probe, protocol }] };
    return true;
  },
  'probe-unknown-host': ({ flow, scene, random }) => {
    const index = scene.flows.indexOf(flow);
    const protocol = random.pick(['http', 'tls'] as const);
    const probe = { protocol, host: 'unlisted.example.net', port: protocol === 'http' ? random.pick([80, 8080]) : 443 };
    scene.flows[index] = { ...flow, probes: [...flow.probes, probe] };
    return true;
  },
  'other-order': ({ scene, random }) => {
    scene.objects = [...random.shuffled(scene.objects)];
    return true;
  },
  dated: ({ scene, random }) => {
    for (const [index, { metadata }] of scene.objects.entries()) metadata.creationTimestamp = second(index);
    scene.objects = [...random.shuffled(scene.objects)];
    return true;
  },
  'same-age': ({ scene, random }) => {
    scene.objects = [...random.shuffled(scene.objects)];
    return changeAll(scene.objects, ({ metadata }) => {
      metadata.creationTimestamp = second(random.int(2));
    });
  },
} satisfies Record<string, Deviation>;

function addSidecar({ scene, random }: Place, namespace: string, spec: SidecarSpec): void {
  const name = `sidecar-${ofKind(scene, 'Sidecar').length}`;
  add(scene, { kind: 'Sidecar', metadata: { name, namespace }, spec }, random.pick(['oldest', 'youngest']));
}

function second(number: number): string {
  return timestamp(Date.UTC(2026, 0, 1) + number * 1_000);
}
