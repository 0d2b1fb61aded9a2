import { type EgressListener, importsService, importsVirtualService, type SidecarScope } from '../istio/sidecar.ts';

/*
 * All that istiod asks of a Sidecar while it works out one request, besides where the client is. Scopes that give the same answers give
 * the same ways: two hundred different Sidecars cost what they differ by.
 */

/** A question about a Sidecar scope that is asked for a client in some namespace that no resource mentions, with the answer. */
export type ScopeAnswer =
  /** Does its listener import a service, or a VirtualService with such hosts? */
  | { readonly kind: 'service'; readonly namespace: string; readonly host: string; readonly isImported: boolean }
  | {
      readonly kind: 'VirtualService';
      readonly namespace: string;
      readonly name: string;
      readonly hosts: readonly string[];
      readonly isImported: boolean;
    }
  /** Does its listener certainly import some public HTTP service of a port? */
  | { readonly kind: 'public HTTP services'; readonly port: number; readonly isCertain: boolean }
  /** Something to which no other scope is taken to give the same answer. */
  | { readonly kind: 'all else' };

/** The answers that one scope gave, each once. */
export class ScopeAnswers {
  readonly #answers = new Map<string, ScopeAnswer>();

  add(answer: ScopeAnswer): void {
    const key = keyOf(answer);
    if (!this.#answers.has(key)) this.#answers.set(key, answer);
  }

  list(): readonly ScopeAnswer[] {
    return [...this.#answers.values()];
  }
}

function keyOf(answer: ScopeAnswer): string {
  if (answer.kind === 'service') return `s ${answer.namespace}/${answer.host}`;
  if (answer.kind === 'VirtualService') return `v ${answer.namespace}/${answer.name}`;
  return answer.kind === 'public HTTP services' ? String(answer.port) : answer.kind;
}

/** The listener of a scope that can be compared by its answers: one for all ports, as nearly every Sidecar has. */
export function soleListener({ listeners }: SidecarScope): EgressListener | undefined {
  const [listener, ...others] = listeners;
  return listener !== undefined && others.length === 0 && isPlain(listener) ? listener : undefined;
}

function isPlain({ port, bind, isHttpProxy }: EgressListener): boolean {
  return port === 0 && bind === '' && !isHttpProxy;
}

/** What a scope would be compared by: its one listener, and whether it certainly imports a public HTTP service of a port. */
interface Answering {
  readonly listener: Pick<EgressListener, 'imports'>;
  readonly isCertain: (port: number) => boolean | undefined;
}

/** True when somebody would give the same answers. */
export function givesSameAnswers({ listener, isCertain }: Answering, answers: readonly ScopeAnswer[]): boolean {
  return answers.every((answer) => {
    if (answer.kind === 'service')
      return importsService(listener, answer.host, answer.namespace, false) === answer.isImported;
    if (answer.kind === 'VirtualService')
      return importsVirtualService(listener, answer.hosts, answer.namespace, false) === answer.isImported;
    return answer.kind === 'public HTTP services' && isCertain(answer.port) === answer.isCertain;
  });
}

/** The namespaces in which a scope that imports its own would give other answers: those of all services and VirtualServices asked about. */
export function namespacesOf(answers: readonly ScopeAnswer[]): readonly string[] {
  return answers.flatMap((answer) => ('namespace' in answer ? [answer.namespace] : []));
}

/** The ports of which it was asked whether a public HTTP service is imported. */
export function portsOf(answers: readonly ScopeAnswer[]): readonly number[] {
  return answers.flatMap((answer) => (answer.kind === 'public HTTP services' ? [answer.port] : []));
}
