import type { Labels } from '../istio/resources.ts';
import type { SidecarScope } from '../istio/sidecar.ts';
import { type ClientView, meshScope, scopeGroups, scopeOf } from '../mesh/client-view.ts';
import type { Query } from '../mesh/engine.ts';
import { everything, type MeshReader, ruleKey } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { AppProtocol } from './path.ts';
import { trace } from './trace.ts';
import { requestFor, type Way } from './way.ts';

/** The ways of all clients of one class, and the namespaces that a resource on the way tells apart. */
interface TracedClass {
  readonly ways: readonly Way[];
  /** Namespaces about which istiod was asked: theirs may be other ways. */
  readonly asked: readonly string[];
}

/** Clients with the same ways: one namespace, or all that share a Sidecar scope and are not told apart. */
export interface ViewClass {
  /** Absent: the rest of the scope's namespaces. */
  readonly namespace?: string;
  readonly scopeKey: string;
  readonly ways: readonly Way[];
}

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
  level: 4,
  compute(reader, argument) {
    const [protocol = '', name = '', port = '', namespace = '', ...key] = argument.split('|');
    const asked = new Set<string>();
    const view: ClientView = {
      reader,
      scope: namespace === '' ? scopeByKey(reader, key.join('|')) : scopeOf(reader, namespace, hasNoLabels),
      isIn(candidate) {
        asked.add(candidate);
        return candidate === namespace;
      },
      hasLabels: hasNoLabels,
    };
    const request = requestFor({ protocol: protocolOf(protocol), host: name, port: Number(port) });
    return { ways: trace(view, request), asked: [...asked].sort() };
  },
};

/**
 * The classes of clients that a target's ways differ by. A namespace gets a class of its own only where some resource on the
 * way mentions it and it has sidecars; so two hundred namespaces cost what the exceptions among them cost.
 */
export function viewClasses(
  reader: MeshReader,
  target: TracedTarget,
  isClient: (namespace: string) => boolean,
): readonly ViewClass[] {
  const groups = reader.value(scopeGroups, everything);
  const rest = groups.map(({ scope }) => ({ scopeKey: scope.key, traced: waysOf(reader, target, '', scope.key) }));
  const special = new Map<string, ViewClass>();
  const pending = rest.flatMap(({ traced }) => traced.asked);
  for (let namespace = pending.pop(); namespace !== undefined; namespace = pending.pop()) {
    if (special.has(namespace) || !isClient(namespace)) continue;
    const traced = waysOf(reader, target, namespace, '');
    special.set(namespace, { namespace, scopeKey: scopeOf(reader, namespace, hasNoLabels).key, ways: traced.ways });
    pending.push(...traced.asked);
  }
  return [...rest.map(({ scopeKey, traced }) => ({ scopeKey, ways: traced.ways })), ...special.values()];
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
  const group = reader.value(scopeGroups, everything).find(({ scope }) => scope.key === key);
  return group?.scope ?? meshScope(reader);
}

/** Classes are of namespaces: of their pods those count that no selector picks. */
function hasNoLabels(selector: Labels): boolean {
  return Object.keys(selector).length === 0;
}

function protocolOf(text: string): AppProtocol {
  return text === 'tls' || text === 'tcp' ? text : 'http';
}
