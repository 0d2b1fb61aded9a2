import { covers, isWildcard, overlaps } from './hosts.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import { type Protocol, parseProtocol } from './protocol.ts';
import type { Destination, SidecarEgress } from './resources.gen.ts';
import type { Labels, ResourceOf } from './resources.ts';

/** What one egress listener of a Sidecar imports from one namespace (or, under `*`, from every namespace). */
interface Imports {
  readonly hosts: readonly string[];
  readonly excluded: readonly string[];
}

/** One egress listener of a Sidecar; without a port it serves every port that no other listener names. */
export interface EgressListener {
  /** 0: every port. */
  readonly port: number;
  readonly isHttpProxy: boolean;
  /** What its own port speaks, whatever those of services do; absent: what theirs do. */
  readonly protocol?: Protocol;
  /** The address of its own that it listens on; empty: those of services, else all. */
  readonly bind: string;
  /** By namespace; `.` stands for the proxy's own namespace. */
  readonly imports: ReadonlyMap<string, Imports>;
  /** True where every import is one host of one namespace: services are looked up, and of several in a namespace only the first is found. */
  readonly looksUp: boolean;
}

/** What a Sidecar makes of a proxy's view of the mesh; without a Sidecar everything visible is imported. */
export interface SidecarScope {
  readonly resource?: ResourceOf<'Sidecar'>;
  readonly listeners: readonly EgressListener[];
  /** Absent: the mesh's policy. */
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy;
  /** Where all unknown traffic goes (ALLOW_ANY only). */
  readonly egressProxy?: Destination;
  /** Equal for scopes that import the same, whatever the namespaces that they are in. */
  readonly key: string;
}

/** The scope of proxies that no Sidecar selects. Source: pilot/pkg/model/sidecar.go `initSidecarScopeInternalIndexes`. */
export const defaultSidecarScope: SidecarScope = {
  listeners: [
    {
      port: 0,
      isHttpProxy: false,
      bind: '',
      imports: new Map([['*', { hosts: ['*'], excluded: [] }]]),
      looksUp: false,
    },
  ],
  key: '',
};

/**
 * Reads a Sidecar; the mesh-wide one of `rootNamespace` serves the proxies of other namespaces, so that its own name in a
 * host does not mean theirs. `REGISTRY_ONLY` is the zero value of the mode. Source: pilot/pkg/model/sidecar.go
 * `convertToSidecarScope`.
 */
export function readSidecar(resource: ResourceOf<'Sidecar'>, rootNamespace: string): SidecarScope {
  const { spec, metadata } = resource;
  const ownNamespace = metadata.namespace === rootNamespace ? undefined : metadata.namespace;
  const egress = spec.egress ?? [];
  const listeners =
    egress.length === 0
      ? defaultSidecarScope.listeners
      : egress.map((listener) => readListener(listener, ownNamespace));
  const policy = spec.outboundTrafficPolicy;
  const mode = policy === undefined ? undefined : (policy.mode ?? 'REGISTRY_ONLY');
  return {
    resource,
    listeners,
    ...(mode === undefined ? {} : { outboundTrafficPolicy: mode }),
    ...(policy?.egressProxy === undefined ? {} : { egressProxy: policy.egressProxy }),
    key: JSON.stringify([
      mode,
      policy?.egressProxy,
      listeners.map((listener) => [
        listener.port,
        listener.protocol,
        listener.bind,
        listener.isHttpProxy,
        ...listener.imports,
      ]),
    ]),
  };
}

/** The labels of the pods that a Sidecar is for; undefined: all of its namespace. */
export function sidecarSelector(resource: ResourceOf<'Sidecar'>): Labels | undefined {
  return resource.spec.workloadSelector === undefined ? undefined : (resource.spec.workloadSelector.labels ?? {});
}

/** True for the listener of all ports that no other has; those of Unix sockets have no port either. */
export function isForAllPorts({ port, bind }: EgressListener): boolean {
  return port === 0 && !bind.startsWith('unix:');
}

/** True for a listener at one address of its own. */
export function isBound({ bind }: EgressListener): boolean {
  return !['', '0.0.0.0', '::'].includes(bind);
}

/** True when a listener imports a service. `isOwn`: the service is in the proxy's namespace. Source: sidecar.go `selectServices`. */
export function importsService(
  listener: Pick<EgressListener, 'imports'>,
  host: string,
  namespace: string,
  isOwn: boolean,
): boolean {
  const candidates = importsOf(listener, namespace, isOwn);
  if (candidates.some((imports) => imports.excluded.some((pattern) => covers(pattern, host)))) return false;
  return candidates.some((imports) => imports.hosts.some((pattern) => covers(pattern, host)));
}

/**
 * True when a listener imports a VirtualService: one of its hosts overlaps an import. Routes of the Gateway API are
 * imported as services are. Source: pilot/pkg/model/virtualservice.go `SelectVirtualServices`.
 */
export function importsVirtualService(
  listener: Pick<EgressListener, 'imports'>,
  hosts: readonly string[],
  namespace: string,
  isOwn: boolean,
): boolean {
  const candidates = importsOf(listener, namespace, isOwn);
  return hosts.some((host) => {
    if (candidates.some((imports) => imports.excluded.some((pattern) => covers(pattern, host)))) return false;
    return candidates.some((imports) => imports.hosts.some((pattern) => matchesImport(pattern, host)));
  });
}

function matchesImport(pattern: string, host: string): boolean {
  return isWildcard(pattern) || isWildcard(host) ? overlaps(pattern, host) : pattern === host;
}

function importsOf(listener: Pick<EgressListener, 'imports'>, namespace: string, isOwn: boolean): readonly Imports[] {
  const found: Imports[] = [];
  const own = isOwn ? listener.imports.get('.') : undefined;
  if (own !== undefined) found.push(own);
  const named = listener.imports.get(namespace);
  if (named !== undefined) found.push(named);
  const everywhere = listener.imports.get('*');
  if (everywhere !== undefined) found.push(everywhere);
  return found;
}

/** A host is `namespace/name`; namespace `.` is the proxy's own, `*` any, and a `~` before it excludes. Source: sidecar.go `convertIstioListenerToWrapper`, `servicesForExactHosts`. */
function readListener(listener: SidecarEgress, ownNamespace: string | undefined): EgressListener {
  const imports = new Map<string, { hosts: string[]; excluded: string[] }>();
  for (const entry of listener.hosts ?? []) {
    const [written, name, ...rest] = entry.split('/');
    if (written === undefined || name === undefined || rest.length > 0) continue;
    const isExcluded = written.startsWith('~');
    const bare = isExcluded ? written.slice(1) || '*' : written;
    const namespace = bare === ownNamespace ? '.' : bare;
    const into = imports.get(namespace) ?? { hosts: [], excluded: [] };
    (isExcluded ? into.excluded : into.hosts).push(name);
    imports.set(namespace, into);
  }
  const port = listener.port?.number ?? 0;
  const protocol = parseProtocol(listener.port?.protocol);
  return {
    port,
    isHttpProxy: protocol === 'HTTP_PROXY',
    ...(port === 0 || protocol === 'HTTP_PROXY' ? {} : { protocol }),
    bind: listener.bind || (listener.captureMode === 'NONE' ? '127.0.0.1' : ''), // nothing is led to a listener without capture
    imports: new Map([...imports].sort(([a], [b]) => (a < b ? -1 : 1))),
    looksUp: [...imports].every(([namespace, { hosts }]) =>
      hosts.every((host) => namespace !== '*' && !isWildcard(host)),
    ),
  };
}
