import type { Random } from '../random.ts';
import type { Flow, GatewayPlace, Scene } from '../scene.ts';
import { addFlow } from './classic.ts';
import { addApiFlow } from './gateway-api.ts';
import {
  classicShapes,
  httpOverTcpShape,
  mutualTcpShape,
  type Shape,
  type StreamHost,
  streamHosts,
  tcpShape,
} from './shapes.ts';
import { addGateway, addManagedGateway, addSecondGateway } from './surroundings.ts';
import { addSidecarOrigination, addWildcard } from './wildcards.ts';

/** A lay-out of egress gateways, and the hosts that are led through them; `about` gets the words that tell what is special. */
type Design = (scene: Scene, random: Random, about: string[]) => void;

/** The lay-outs, by name. */
export const designs = {
  classic: (scene, random, about) => {
    const gateway = addGateway(scene, random, about);
    addHosts(scene, [gateway], random.pick([1, 1, 2]), random);
  },
  'many-hosts': (scene, random, about) => {
    const gateway = addGateway(scene, random, about);
    addHosts(scene, [gateway], random.pick([3, 4]), random);
  },
  'two-gateways': (scene, random, about) => {
    const first = addGateway(scene, random, about);
    const second = addSecondGateway(scene, random, about);
    addHosts(scene, [first, second], random.pick([2, 3]), random);
  },
  streams: (scene, random, about) => {
    addStreams(scene, addGateway(scene, random, about), random);
  },
  'streams-and-http': (scene, random, about) => {
    const gateway = addGateway(scene, random, about);
    addStreams(scene, gateway, random);
    const shape = classicShapes[0](random);
    const [first] = hosts;
    addFlow(scene, { ...first, gateway, shape, isAlone: false }, random.fork('http'));
  },
  wildcard: (scene, random, about) => {
    addWildcard(scene, addGateway(scene, random, about), random);
  },
  'sidecar-originates': (scene, random, about) => {
    addSidecarOrigination(scene, addGateway(scene, random, about), random);
  },
  'gateway-api': (scene, random) => {
    const gateway = addManagedGateway(scene, random);
    addApiHosts(scene, gateway, random.pick([1, 1, 2]), random);
  },
  'gateway-api-and-classic': (scene, random, about) => {
    const managed = addManagedGateway(scene, random);
    addApiHosts(scene, managed, 1, random);
    const classic = addGateway(scene, random, about);
    const [, second] = hosts;
    const shape = random.pick(classicShapes)(random);
    addFlow(scene, { ...second, gateway: classic, shape, isAlone: true }, random.fork('classic'));
  },
} satisfies Record<string, Design>;

/** The name of a lay-out. */
export type DesignName = keyof typeof designs;

/** The names of all lay-outs. */
export const designNames: readonly DesignName[] = Object.keys(designs).filter(
  (name): name is DesignName => name in designs,
);

const hosts = [
  { key: 'api', host: 'api.example.com' },
  { key: 'oth', host: 'www.other.com' },
  { key: 'sec', host: 'files.third.org' },
  { key: 'log', host: 'log.api.example.com' },
] as const;

function addHosts(
  scene: Scene,
  gateways: readonly [GatewayPlace, ...GatewayPlace[]],
  count: number,
  random: Random,
): void {
  for (const [index, { key, host }] of hosts.slice(0, count).entries()) {
    const gateway = gateways[index % gateways.length] ?? gateways[0];
    const shape = fittingShape(scene, gateway, random.fork(`shape ${key}`));
    const isAlone = count <= gateways.length;
    addFlow(scene, { key, host, gateway, shape, isAlone }, random.fork(key));
  }
}

/** A shape that gets on with what the pods serve already: no plaintext beside TLS on one port. */
function fittingShape(scene: Scene, gateway: GatewayPlace, random: Random): Shape {
  const neighbours = scene.flows.filter((flow) => flow.gateway.podLabels === gateway.podLabels);
  const fits = (shape: Shape): boolean =>
    neighbours.every((flow) => flow.hopPort !== shape.hopPort || isPlain(flow) === (shape.server.mode === 'plain'));
  return random.pickAny(classicShapes.map((draw) => draw(random)).filter(fits)) ?? classicShapes[0](random);
}

function isPlain({ variant }: Flow): boolean {
  return variant.startsWith('plain');
}

function addStreams(scene: Scene, gateway: GatewayPlace, random: Random): void {
  const count = random.pick([1, 1, 2]);
  for (const [index, host] of random.shuffled(streamHosts).slice(0, count).entries()) {
    const shape = streamShape(host, index, random.fork(host.key));
    const plan = { key: host.key, host: host.host, gateway, shape, isAlone: count === 1 };
    const address = shape.speech === 'tcp' ? { address: host.address } : {};
    addFlow(scene, { ...plan, ...address }, random.fork(host.key));
  }
}

function streamShape(host: StreamHost, index: number, random: Random): Shape {
  const protocol = random.pick(['TCP', 'TCP', 'TCP', 'MONGO']);
  const own = random.pick([host.port, 15_443 + index]);
  return random.pick([
    () => tcpShape(host, own, protocol),
    () => mutualTcpShape(host, own, protocol),
    () => mutualTcpShape(host, 443, protocol),
    () => httpOverTcpShape(random.pick([own, 443]), random.chance(0.5)),
  ])();
}

function addApiHosts(scene: Scene, gateway: GatewayPlace, count: number, random: Random): void {
  for (const { key, host } of hosts.slice(0, count)) addApiFlow(scene, { key, host, gateway }, random.fork(key));
}
