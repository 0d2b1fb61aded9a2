import { stringify } from 'yaml';
import { addPolicies } from './designs/classic.ts';
import { garnishes } from './designs/garnishes.ts';
import { type DesignName, designNames, designs } from './designs/index.ts';
import { addClients, makeScene } from './designs/surroundings.ts';
import { gatewayApiDeviations } from './deviations/gateway-api.ts';
import { deviations } from './deviations/index.ts';
import { type Labels, manifestOf, timestamp } from './objects.ts';
import { Random } from './random.ts';
import { type Flow, ofKind, type Probe, type Scene } from './scene.ts';

/** Who asks for what. */
interface Target {
  readonly from: { readonly namespace: string; readonly serviceAccount: string };
  readonly labels: Labels;
  readonly to: Probe;
}

/** A case whose answer nobody has computed yet. */
export interface Question {
  readonly name: string;
  /** The design and the deviations, in words. */
  readonly about: string;
  /** Plain Kubernetes manifests, the oldest first unless they are dated. */
  readonly manifests: readonly object[];
  readonly targets: readonly Target[];
}

/** A question that was drawn, with what it is made of. */
export interface FreshCase extends Question {
  readonly design: DesignName;
  readonly garnishes: readonly string[];
  readonly deviations: readonly string[];
}

const mostTargets = 8;

/** The case with a number among those of a seed: always the same one. */
export function makeCase(seed: string, number: number): FreshCase {
  const name = `fresh-${seed}-${String(number).padStart(4, '0')}`;
  const random = new Random(name);
  const words: string[] = [];
  const scene = makeScene(random.fork('mesh'), words);
  const design = random.pickAny(designNames) ?? 'classic';
  addClients(scene, random.fork('clients'));
  designs[design](scene, random.fork('design'), words);
  addPolicies(scene, random.fork('policies'));
  const added = garnish(scene, random.fork('garnishes'));
  const deviated = deviate(scene, random.fork('deviations'));
  finish(scene);
  const flows = scene.flows.map(({ key, variant }) => `${key}=${variant}`);
  const about = [`design=${design}`, ...words, ...flows, ...added, `deviations: ${deviated.join(' ')}`]
    .join(' ')
    .trimEnd();
  const targets = targetsOf(scene, random.fork('targets'));
  const names = deviated.map((one) => one.replace(/\(.*$/, ''));
  return { name, about, design, garnishes: added, deviations: names, manifests: manifestsOf(scene), targets };
}

/** The manifests as one text. */
export function printManifests(manifests: readonly object[]): string {
  return manifests.map((manifest) => stringify(manifest, { lineWidth: 0 })).join('---\n');
}

function garnish(scene: Scene, random: Random): readonly string[] {
  const added: string[] = [];
  for (const [name, add] of random.shuffled(Object.entries(garnishes)).slice(0, random.pick([0, 0, 1, 2]))) {
    const flow = random.pickAny(scene.flows);
    if (flow !== undefined && add(scene, flow, random)) added.push(name);
  }
  return added;
}

function deviate(scene: Scene, random: Random): readonly string[] {
  const count = random.pick([0, 1, 1, 1, 2, 2, 3, 3, 4]);
  const done: string[] = [];
  for (let attempt = 0; attempt < 40 && done.length < count; attempt++) {
    const flow = random.pickAny(scene.flows);
    if (flow === undefined) break;
    const name = drawDeviation(flow, random);
    const label = `${name}(${flow.key})`;
    if (!done.includes(label) && deviations.get(name)?.({ scene, flow, random }) === true) done.push(label);
  }
  return done;
}

function drawDeviation({ gateway }: Flow, random: Random): string {
  const ofApi = Object.keys(gatewayApiDeviations);
  return (
    (gateway.isGatewayApi && random.chance(0.5) ? random.pickAny(ofApi) : random.pickAny([...deviations.keys()])) ?? ''
  );
}

/** Gives each object a name of its own, and where some have a date, a date to all; what istiod tells apart by nothing else, one of its own. */
function finish(scene: Scene): void {
  const names = new Set<string>();
  for (const { kind, metadata } of scene.objects) {
    const id = (): string => `${kind} ${metadata.namespace}/${metadata.name}`;
    while (names.has(id())) metadata.name = `${metadata.name}-x`;
    names.add(id());
  }
  if (scene.objects.every(({ metadata }) => metadata.creationTimestamp === undefined)) return;
  for (const { metadata } of scene.objects) metadata.creationTimestamp ??= '2026-01-02T00:00:00Z';
  const dates = new Set<string>();
  for (const { metadata, spec } of ofKind(scene, 'ServiceEntry')) {
    // Of ServiceEntries of one host, namespace and second istiod comes to any one first.
    const keys = (): readonly string[] =>
      (spec.hosts ?? []).map((host) => `${metadata.creationTimestamp} ${metadata.namespace} ${host}`);
    while (keys().some((key) => dates.has(key)))
      metadata.creationTimestamp = timestamp(Date.parse(metadata.creationTimestamp ?? '') + 1_000);
    for (const key of keys()) dates.add(key);
  }
}

function manifestsOf({ mesh, surroundings, objects }: Scene): readonly object[] {
  const configuration = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh: stringify(mesh) },
  };
  return [configuration, ...[...surroundings, ...objects].map((object) => structuredClone(manifestOf(object)))];
}

function targetsOf(scene: Scene, random: Random): readonly Target[] {
  const targets = ofKind(scene, 'Pod').flatMap(({ metadata: { namespace = '', labels = {} }, spec }) =>
    scene.flows.flatMap(({ probes }) =>
      probes.map((to): Target => ({ from: { namespace, serviceAccount: spec.serviceAccountName }, labels, to })),
    ),
  );
  return random.shuffled(targets).slice(0, mostTargets);
}
