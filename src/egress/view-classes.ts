import { dequal } from 'dequal';
import type { Labels } from '../istio/resources.ts';
import type { SidecarScope } from '../istio/sidecar.ts';
import { hasAll, type Viewer, viewerOf } from '../istio/viewer.ts';
import { type ClientView, hasNoLabels, meshScope, podScopes, scopeOf, scopeWithKey } from '../mesh/client-view.ts';
import { namespacesWithRules } from '../mesh/destination-rules.ts';
import type { Query } from '../mesh/engine.ts';
import { isAlike, scopesThatDiffer } from '../mesh/import-classes.ts';
import { everything, type MeshReader, ruleKey } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { namespacesOf, type ScopeAnswer, ScopeAnswers, soleListener } from '../mesh/scope-answers.ts';
import { hasScope, type Scopes } from './class-paths.ts';
import type { AppProtocol } from './path.ts';
import { trace } from './trace.ts';
import { type Request, requestFor, type Way } from './way.ts';

/** The ways of all clients of one class, and the namespaces that a resource on the way tells apart. */
interface TracedClass {
  readonly ways: readonly Way[];
  /** Namespaces about which istiod was asked: theirs may be other ways. */
  readonly asked: readonly string[];
  /** Hosts whose DestinationRules were asked for: namespaces that have some of their own may have other ways too. */
  readonly ruleHosts: readonly string[];
  /** What the Sidecar scope answered, where other scopes may be compared with it. */
  readonly answers: readonly ScopeAnswer[];
}

/** Clients with the same ways: one namespace, or all of some Sidecar scopes that are not told apart. */
export type ViewClass = { readonly ways: readonly Way[] } & (
  | { readonly namespace: string }
  | { readonly scopes: Scopes }
);

/** A target as the argument of a query. */
export interface TracedTarget {
  readonly protocol: AppProtocol;
  /** The name that is asked for, in lower case. */
  readonly name: string;
  readonly port: number;
}

/**
 * The ways from one class of clients to one target. The argument is `protocol|name|port|namespace|scope key`; an empty
 * namespace stands for one that no resource mentions.
 */
const classWays: Query<ModelObject, TracedClass> = {
  name: 'ways',
  level: 5,
  compute(reader, argument) {
    const [protocol = '', name = '', port = '', namespace = '', ...key] = argument.split('|');
    const request = requestFor({ protocol: protocolOf(protocol), host: name, port: Number(port) });
    return namespace === '' ? traceRest(reader, request, key.join('|')) : traceNamespace(reader, request, namespace);
  },
};

function traceNamespace(reader: MeshReader, request: Request, namespace: string): TracedClass {
  const ways = waysOfPods(
    (hasLabels) => ({ reader, scope: scopeOf(reader, namespace, hasLabels), ...viewerOf(namespace, {}), hasLabels }),
    request,
  );
  return { ways, asked: [], ruleHosts: [], answers: notComparable };
}

const notComparable: readonly ScopeAnswer[] = [{ kind: 'all else' }];

/** The ways of clients in a namespace that no resource mentions, with all that is asked about where they are. */
function traceRest(reader: MeshReader, request: Request, scopeKey: string): TracedClass {
  const asked = new Set<string>();
  const ruleHosts = new Set<string>();
  const scope = scopeByKey(reader, scopeKey);
  const answers =
    scopeKey === meshScope(reader).key && soleListener(scope) !== undefined ? new ScopeAnswers() : undefined;
  const view: Omit<ClientView, 'hasLabels'> = {
    reader,
    scope,
    ...(answers && { answers }),
    isIn(namespace) {
      asked.add(namespace);
      return false;
    },
    ruleNamespace(host) {
      ruleHosts.add(host);
      return undefined;
    },
  };
  const ways = waysOfPods((hasLabels) => ({ ...view, hasLabels }), request);
  return { ways, asked: [...asked].sort(), ruleHosts: [...ruleHosts], answers: answers?.list() ?? notComparable };
}

/**
 * The ways of pods without labels, and the other ways of those with labels that a resource on the way selects by: whoever may create
 * pods may label them.
 */
function waysOfPods(viewWith: (hasLabels: Viewer['hasLabels']) => ClientView, request: Request): readonly Way[] {
  const selectors = new Map<string, Labels>();
  const traceWith = (labels: Labels): readonly Way[] =>
    trace(
      viewWith((selector) => {
        if (!hasNoLabels(selector)) selectors.set(labelsText(selector), selector);
        return hasAll(labels, selector);
      }),
      request,
    );
  const ways = [...traceWith({})];
  for (const [text, labels] of selectors) {
    for (const way of traceWith(labels)) {
      if (ways.some((known) => dequal(known, way))) continue;
      const reason = `${way.ending.reason} (pods with ${text})`;
      ways.push({ ...way, ending: { ...way.ending, reason } });
    }
  }
  return ways;
}

/** The same text for the same labels, whatever their order. */
function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.sort().join(', ');
}

/**
 * The classes of clients that a target's ways differ by. A scope gets a class of its own only where it answers otherwise than the mesh's,
 * and a namespace only where some resource on the way mentions it and it has sidecars; so two hundred namespaces with a Sidecar each cost
 * what the exceptions among them cost.
 */
export function viewClasses(
  reader: MeshReader,
  target: TracedTarget,
  isClient: (namespace: string) => boolean,
): readonly ViewClass[] {
  const meshKey = meshScope(reader).key;
  const mesh = waysOf(reader, target, '', meshKey);
  const others = scopesThatDiffer(reader, mesh.answers);
  const withPods = reader.value(podScopes, everything).flatMap(({ namespace, scopes }) => {
    const isAsMesh = (scope: SidecarScope): boolean => isAlike(reader, scope, mesh.answers) && !importsOwn(scope);
    return scopeKeyOf(reader, namespace) === meshKey && scopes.every(isAsMesh) ? [] : [namespace];
  });
  const classesOf = (traced: TracedClass, scopes: Scopes, alsoAsked: readonly string[]): readonly ViewClass[] => {
    const withRules = traced.ruleHosts.flatMap((host) => reader.value(namespacesWithRules, host));
    // A namespace that nothing asks about gets the same answers, hence the same ways.
    const mentioned = [...new Set([...traced.asked, ...alsoAsked, ...withRules, ...withPods])].sort();
    const special = mentioned.filter((name) => hasScope(scopes, scopeKeyOf(reader, name)) && isClient(name));
    return [
      { scopes, ways: traced.ways },
      ...special.map((namespace) => ({ namespace, ways: waysOf(reader, target, namespace, '').ways })),
    ];
  };
  // The answers are those of a client elsewhere: one that imports its own namespace may give others about that.
  const own = namespacesOf(mesh.answers).filter((name) => importsOwn(scopeOf(reader, name, hasNoLabels)));
  return [
    ...classesOf(mesh, { allBut: others }, own),
    ...others.flatMap((only) => classesOf(waysOf(reader, target, '', only), { only }, [])),
  ];
}

function importsOwn({ listeners }: SidecarScope): boolean {
  return listeners.some(({ imports }) => imports.has('.'));
}

/** The key of the Sidecar scope that serves a namespace by default. */
export function scopeKeyOf(reader: MeshReader, namespace: string): string {
  return scopeOf(reader, namespace, hasNoLabels).key;
}

function waysOf(
  reader: MeshReader,
  { protocol, name, port }: TracedTarget,
  namespace: string,
  scopeKey: string,
): TracedClass {
  return reader.value(classWays, ruleKey(protocol, name, String(port), namespace, scopeKey));
}

function scopeByKey(reader: MeshReader, key: string): SidecarScope {
  return reader.value(scopeWithKey, key) ?? meshScope(reader);
}

function protocolOf(text: string): AppProtocol {
  return text === 'tls' || text === 'tcp' ? text : 'http';
}
