import type { EgressListener, SidecarScope } from '../istio/sidecar.ts';
import { meshScope, type ScopeGroup, scopeGroups } from './client-view.ts';
import type { Query } from './engine.ts';
import { everything, type MeshReader, ruleKey } from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import { givesSameAnswers, namespacesOf, portsOf, type ScopeAnswer, soleListener } from './scope-answers.ts';
import { importsPublicHttp } from './sidecar-listeners.ts';

/*
 * Which Sidecar scopes lead a request otherwise than the mesh's does. Two hundred different Sidecars import their own namespaces and,
 * each in the same way, those of the platform: for a request that asks about the latter alone they are one class.
 */

/** Scopes that import the same of some namespaces, and HTTP services of some ports alike: they give the same answers about these. */
interface ImportClass {
  /** Tells the classes of one query apart. */
  readonly id: string;
  /** What of the scopes matters; absent for those that cannot be compared. */
  readonly comparable?: {
    readonly listener: Pick<EgressListener, 'imports'>;
    readonly certainPorts: readonly number[];
    readonly uncertainPorts: readonly number[];
  };
}

/** The classes of all scopes but the mesh's. The argument is `ports|namespaces`, each with commas between them. */
const importClasses: Query<ModelObject, readonly ImportClass[]> = {
  name: 'Sidecar scopes by imports',
  level: 4,
  compute(reader, argument) {
    const classes = otherGroups(reader).map(({ scope }) => importClassOf(reader, scope, argument));
    return [...new Map(classes.map((one) => [one.id, one])).values()];
  },
};

/** The keys of the scopes of one class. The argument is `ports|namespaces|id`. */
const scopesOfClass: Query<ModelObject, readonly string[]> = {
  name: 'Sidecar scopes with imports',
  level: 4,
  compute(reader, argument) {
    const [ports = '', namespaces = '', ...id] = argument.split('|');
    const about = ruleKey(ports, namespaces);
    return otherGroups(reader).flatMap(({ scope }) =>
      importClassOf(reader, scope, about).id === id.join('|') ? [scope.key] : [],
    );
  },
};

/** The keys of the scopes that would not give the answers that the mesh's gave. */
export function scopesThatDiffer(reader: MeshReader, answers: readonly ScopeAnswer[]): readonly string[] {
  if (answers.some(({ kind }) => kind === 'all else')) return otherGroups(reader).map(({ scope }) => scope.key);
  const ports = [...new Set(portsOf(answers))].sort((a, b) => a - b);
  const namespaces = [...new Set(namespacesOf(answers))].sort();
  const about = ruleKey(ports.join(), namespaces.join());
  return reader
    .value(importClasses, about)
    .filter((one) => !answersAlike(one, answers))
    .flatMap(({ id }) => reader.value(scopesOfClass, ruleKey(about, id)));
}

/** True when a scope would give the answers that the mesh's gave. */
export function isAlike(reader: MeshReader, scope: SidecarScope, answers: readonly ScopeAnswer[]): boolean {
  const listener = soleListener(scope);
  if (listener === undefined) return false;
  return givesSameAnswers({ listener, isCertain: (port) => importsPublicHttp(reader, port, scope) }, answers);
}

function otherGroups(reader: MeshReader): readonly ScopeGroup[] {
  const meshKey = meshScope(reader).key;
  return reader.value(scopeGroups, everything).filter(({ scope }) => scope.key !== meshKey);
}

/** The class of a scope about `ports|namespaces`. */
function importClassOf(reader: MeshReader, scope: SidecarScope, about: string): ImportClass {
  const listener = soleListener(scope);
  if (listener === undefined) return { id: '' };
  const [ports = '', namespaces = ''] = about.split('|');
  const relevant = new Set([...namespaces.split(','), '*']);
  const imports = new Map([...listener.imports].filter(([namespace]) => relevant.has(namespace)));
  const asked = ports === '' ? [] : ports.split(',').map(Number);
  const portsWith = (isCertain: boolean): readonly number[] =>
    asked.filter((port) => importsPublicHttp(reader, port, scope) === isCertain);
  const [certainPorts, uncertainPorts] = [portsWith(true), portsWith(false)];
  return {
    id: JSON.stringify([[...imports], certainPorts, uncertainPorts]),
    comparable: { listener: { imports }, certainPorts, uncertainPorts },
  };
}

function answersAlike({ comparable }: ImportClass, answers: readonly ScopeAnswer[]): boolean {
  if (comparable === undefined) return false;
  const { listener, certainPorts, uncertainPorts } = comparable;
  const isCertain = (port: number): boolean | undefined =>
    certainPorts.includes(port) ? true : uncertainPorts.includes(port) ? false : undefined;
  return givesSameAnswers({ listener, isCertain }, answers);
}
