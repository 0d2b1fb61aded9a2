import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/analysis/finding.ts';
import type { Cause, Path } from '../../src/egress/path.ts';
import { covers } from '../../src/istio/hosts.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { isRule } from '../scenarios/expected-rules.ts';
import { guardOf } from '../scenarios/oracle-manifests.ts';
import { readCases } from './compare.ts';

/*
 * Nothing breaks without a word: every path that is broken or misrouted in the oracle's cases has a finding, and of the rules
 * about the gateway leg exactly one speaks of it.
 */

/** The rules that share the question why a gateway does not serve, or not the host that was asked for. */
const aboutGatewayLeg: ReadonlySet<string> = new Set([
  'gateway-leg-does-not-loop',
  'gateway-leg-is-bound',
  'gateway-reference-resolves',
  'gateway-route-keeps-host',
  'gateway-selects-a-workload',
  'gateway-serves-host',
  'ports-line-up',
  'route-section-fits-server',
]);

/** A way to break that no finding of this path tells. */
interface Exception {
  readonly cause: Cause;
  readonly why: string;
  /** The rule that tells it of another resource, as soon as it exists. */
  readonly speaks?: string;
  /** The only cases; absent: all. */
  readonly cases?: readonly string[];
}

const exceptions: readonly Exception[] = [
  {
    cause: 'listener-refused',
    why: 'plaintext joins TLS for every host on one port: a finding about the gateway',
    speaks: 'gateway-servers-do-not-conflict',
    cases: ['c2.6-star-tls-plus-http'],
  },
  {
    cause: 'listener-refused',
    why: 'servers of two Gateways collide: a finding about the gateway, not about one path',
    speaks: 'envoy-accepts-listener',
  },
  {
    cause: 'tls-mismatch',
    why: 'an older plaintext Gateway makes Istio leave out the server for the host',
    speaks: 'gateway-servers-do-not-conflict',
    cases: [
      'm21c-tenant-gateway-http80-older',
      'm21d-tenant-gateway-http80-older-with-vs',
      'gen-3-0061',
      'gen-3-0171',
      'gen-3-0197',
    ],
  },
  {
    cause: 'other-host',
    why: 'the first route of a server that terminates TLS takes all its hosts: a finding about the Gateway',
    speaks: 'tls-server-has-one-destination',
    cases: ['c2.8-tls-server-two-hosts-two-vs', 'gen-3-0044', 'gen-3-0104', 'gen-3-0108'],
  },
  {
    cause: 'other-host',
    why: 'a PASSTHROUGH server has a route for SNIs beyond its hosts: a finding about the VirtualService',
    speaks: 'passthrough-sni-stays-within-server',
    cases: ['c2.9-passthrough-sni-broader'],
  },
  {
    cause: 'other-host',
    why: 'a server for a wildcard is routed to one of its names: on purpose, and never an error',
    cases: ['gen-3-0216'],
  },
  {
    cause: 'other-host',
    why: 'the gateway leads the host to a service of the mesh: a finding about the route, whoever takes it',
    speaks: 'egress-gateway-routes-only-outside',
    cases: ['c3.7-mesh-dest-in-mesh-service'],
  },
  { cause: 'client-name-refused', why: 'the server lists who may connect: it works as written' },
  { cause: 'answered-by-sidecar', why: 'the rule of the sidecar answers itself: it works as written' },
  {
    cause: 'no-client-route',
    why: 'the VirtualService routes other requests than `GET /`, which is all that is traced',
  },
  {
    cause: 'no-such-destination',
    why: 'the VirtualService names the gateway in part: a finding about it, not about one path',
    speaks: 'service-host-is-qualified',
    cases: ['c1.1-dotted-partial-vs-dest'],
  },
];

const cases = ['written', 'random']
  .flatMap((folder) => readCases(join(import.meta.dirname, folder)))
  .filter(({ name, about }) => !name.startsWith('k16.3') && !about.includes('gwapi'))
  .map(({ name, manifests }) => {
    const { resources } = readInput([parseFile(`${name}.yaml`, manifests)]);
    const guard = guardOf(resources);
    const findings = guard.check();
    const broken = guard.access().filter(({ outcome }) => outcome === 'broken' || outcome === 'misrouted');
    return { name, findings, paths: broken.map((path) => ({ path, own: findingsOf(path, findings, resources) })) };
  })
  .filter(({ paths }) => paths.length > 0);

/** The findings that affect a path, or that are about a reference of a VirtualService of its host. */
function findingsOf(path: Path, findings: readonly Finding[], resources: readonly Resource[]): readonly Finding[] {
  const { from, to } = path;
  const isOwn = (other: Pick<Path, 'from' | 'to'>): boolean =>
    other.to.host === to.host &&
    other.to.protocol === to.protocol &&
    other.to.port === to.port &&
    other.from.namespace === from.namespace;
  return findings.filter(
    (finding) =>
      finding.paths.some(isOwn) ||
      (finding.rule === 'gateway-reference-resolves' && isForHost(resources, finding, to.host)),
  );
}

function isForHost(resources: readonly Resource[], { resource: { namespace, name } }: Finding, host: string): boolean {
  return resources.some(
    ({ kind, metadata, spec }) =>
      kind === 'VirtualService' &&
      metadata.namespace === namespace &&
      metadata.name === name &&
      'hosts' in spec &&
      (spec.hosts ?? []).some((pattern) => covers(pattern.toLowerCase(), host)),
  );
}

function exceptionFor(name: string, { cause }: Path): Exception | undefined {
  return exceptions.find((one) => one.cause === cause && (one.cases?.includes(name) ?? true));
}

const describePath = ({ from, to, cause, reason }: Path): string =>
  `${from.namespace} → ${to.protocol}://${to.host}:${to.port} ${cause}: ${reason}`;

describe('every path that is broken or misrouted has a finding', () => {
  it.each(cases)('$name', ({ name, findings, paths }) => {
    const untold = paths.filter(({ own }) => own.length === 0).map(({ path }) => path);
    expect(untold.filter((path) => exceptionFor(name, path) === undefined).map(describePath)).toEqual([]);
    const speakers = untold.flatMap((path) => exceptionFor(name, path)?.speaks ?? []).filter(isRule);
    expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(speakers));
  });

  it.each(exceptions)('but for $cause: $why', (exception) => {
    const untold = cases.flatMap(({ name, paths }) =>
      paths.filter(({ path, own }) => own.length === 0 && exceptionFor(name, path) === exception).map(() => name),
    );
    expect(untold, 'the exception is still needed').not.toEqual([]);
    if (exception.cases !== undefined) expect([...new Set(untold)].sort()).toEqual(exception.cases.toSorted());
  });
});

describe('where a request breaks at the gateway, one rule about the gateway leg speaks at most', () => {
  const atGateway = cases.flatMap(({ name, paths }) =>
    paths.flatMap(({ path, own }) => (path.stage === 'server' || path.stage === 'route' ? [{ name, path, own }] : [])),
  );

  it.each(atGateway.map((one) => ({ ...one, title: `${one.name}: ${describePath(one.path)}` })))(
    '$title',
    ({ own }) => {
      const speakers = new Set(own.map(({ rule }) => rule).filter((rule) => aboutGatewayLeg.has(rule)));
      expect([...speakers].slice(1)).toEqual([]);
    },
  );
});
