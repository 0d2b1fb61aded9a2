import { externalHostsOf, gatewaysOfHost, guardedGateways, isAttached } from '../egress/policy-hosts.ts';
import { externalHostsIn, servedByWaypoint, type WaypointService } from '../egress/waypoint-services.ts';
import type { CompiledPolicy } from '../istio/authorization.ts';
import { targetKindOf, targetRefsOf } from '../istio/authorization-attachment.ts';
import { hostPatternsOf } from '../istio/hosts.ts';
import { gatewayNameLabel } from '../istio/managed-gateway.ts';
import { type FieldRef, fieldOf, idOf, type Labels, type ResourceOf } from '../istio/resources.ts';
import { isWaypoint, useWaypoint, waypointClass } from '../istio/waypoint.ts';
import { promisedWorkload, type Workload, workloadOf } from '../mesh/gateway-workloads.ts';
import { chainsNamed, httpServersNamed, isGateway, listeningPorts, workloadById } from '../mesh/gateways.ts';
import {
  factsOf,
  kubernetesServices,
  type MeshReader,
  namespacesByName,
  resourcesById,
  workloadsByNamespace,
} from '../mesh/indexes.ts';
import { servicesCovering } from '../mesh/services.ts';
import { waypointOf } from '../mesh/waypoints.ts';
import { defineRule, type Problem } from './define.ts';

/** A policy about external hosts is in force where their requests arrive. */
export const egressPolicyIsAttached = defineRule({
  name: 'egress-policy-is-attached',
  summary: 'A policy that names external hosts applies to the egress gateway that serves them.',
  why: "Policies decide about requests that arrive, never about those that leave: in the namespace of an application, or with a selector that the gateway's pods do not have, a policy about an external host is never asked. Gateways of the classic kind ignore policies with targetRefs.",
  severity: 'error',
  subject: 'policy',
  related: ['IST0127', 'KIA0106'],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: team-b, name: deny-api }
spec:
  action: DENY
  rules:
  - when: [{ key: connection.sni, values: [api.example.com] }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-api }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
  },

  *check(policy, reader) {
    const { resource, action, dryRun } = policy;
    if (action === 'AUDIT') return;
    if (isAboutWaypoints(reader, policy)) {
      yield* unaskedTargets(reader, policy);
      return;
    }
    const guardsNone = guardedGateways(reader, policy).length === 0;
    const attached = attachedGateways(reader, policy);
    const hosts = externalHostsOf(reader, resource.spec.rules ?? []).map((host) => ({
      host,
      gateways: gatewaysOfHost(reader, host),
    }));
    const missed = hosts.filter(({ host, gateways }) => {
      // Whether a route leads there is not this rule's matter, as long as the policy is on a gateway.
      if (gateways.length === 0) return attached.length === 0 && guardsNone && !isOfGatewayApi(reader, policy);
      return (
        !gateways.some((id) => isAttached(reader, resource, workloadById(reader, id))) &&
        !attached.some((workload) => serves(reader, workload, host))
      );
    });
    if (missed.length > 0 && missed.length === hosts.length) yield unattached(reader, policy, missed);
    else for (const one of missed) if (one.gateways.length > 0) yield misplaced(reader, policy, one);
    if (!dryRun || hosts.length === missed.length) return;
    yield {
      at: fieldOf(resource, 'metadata.annotations'),
      key: 'dry-run',
      message: `the ${action} policy is a dry run: it reports, and decides nothing`,
      fix: "remove the annotation 'istio.io/dry-run' once the policy is to hold",
      severity: 'warning',
    };
  },
});

interface MissedHost {
  readonly host: string;
  /** The gateways that serve it, by their identities. */
  readonly gateways: readonly string[];
}

/** No host that the policy names is served by a gateway that it applies to. */
function unattached(reader: MeshReader, policy: CompiledPolicy, missed: readonly MissedHost[]): Problem {
  const [first, ...others] = missed;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const gateway = first && gatewayOf(reader, first);
  const guarded = first && gateway === undefined ? waypointServiceFor(reader, first.host) : undefined;
  return {
    at: attachmentOf(reader, policy, gateway),
    key: 'selector',
    message: `the ${policy.action} policy names external host '${first?.host ?? ''}'${more}, and applies to no ${guarded === undefined ? 'egress gateway' : 'waypoint'} that serves it`,
    fix: fixForUnattached(reader, policy, gateway, guarded),
    // Without a gateway yet, the policy may be its first part.
    incomplete: gateway === undefined && guarded === undefined,
  };
}

function fixForUnattached(
  reader: MeshReader,
  policy: CompiledPolicy,
  gateway: Workload | undefined,
  guarded: WaypointService | undefined,
): string {
  if (gateway !== undefined) return fixFor(reader, policy, gateway);
  if (guarded === undefined) return 'route the host to an egress gateway, and select its pods';
  const { kind, metadata } = guarded.resource;
  const group = kind === 'Service' ? '""' : 'networking.istio.io';
  const target = `\`targetRefs: [{group: ${group}, kind: ${kind}, name: ${metadata.name}}]\``;
  const own = policy.resource;
  if (metadata.namespace !== own.metadata.namespace)
    return `move it to namespace '${metadata.namespace}', with ${target}`;
  return own.spec.selector === undefined ? `set ${target}` : `replace the selector by ${target}`;
}

/** The service that leads a host (lower case) to a waypoint. */
function waypointServiceFor(reader: MeshReader, host: string): WaypointService | undefined {
  return servicesCovering(reader, host)
    .map(({ resource }) => servedByWaypoint(reader, resource))
    .find((service) => service !== undefined);
}

/** One host of several is served by another gateway than those that the policy applies to. */
function misplaced(reader: MeshReader, { resource, action }: CompiledPolicy, missed: MissedHost): Problem {
  const { namespace = '', labels = {} } = gatewayOf(reader, missed) ?? {};
  return {
    at: fieldOf(resource, 'spec.rules'),
    key: missed.host,
    message: `the ${action} policy names external host '${missed.host}', which another egress gateway serves, in '${namespace}'`,
    fix: `name it in a policy for that gateway: ${attachmentTo(labels)}`,
  };
}

function gatewayOf(
  reader: MeshReader,
  { gateways: [id] }: { readonly gateways: readonly string[] },
): Workload | undefined {
  return id === undefined ? undefined : workloadById(reader, id);
}

/** The field that keeps the policy from the gateway. */
function attachmentOf(reader: MeshReader, { resource }: CompiledPolicy, gateway: Workload | undefined): FieldRef {
  if (targetRefsOf(resource).length > 0)
    return fieldOf(resource, resource.spec.targetRefs === undefined ? 'spec.targetRef' : 'spec.targetRefs');
  const isElsewhere = gateway !== undefined && !isNamespaceOf(reader, resource.metadata.namespace, gateway);
  return fieldOf(resource, isElsewhere ? 'metadata.namespace' : 'spec.selector');
}

function isNamespaceOf(reader: MeshReader, namespace: string, gateway: Workload): boolean {
  return namespace === gateway.namespace || namespace === factsOf(reader).config.rootNamespace;
}

function fixFor(reader: MeshReader, { resource }: CompiledPolicy, { namespace, labels }: Workload): string {
  const own = resource.metadata.namespace;
  const attachment = attachmentTo(labels);
  const hasTargets = targetRefsOf(resource).length > 0;
  if (gatewayNameLabel in labels) {
    if (own !== namespace) return `move it to namespace '${namespace}', with ${attachment}`;
    return hasTargets ? `set ${attachment}` : `replace the selector by ${attachment}`;
  }
  if (own !== namespace && own !== factsOf(reader).config.rootNamespace)
    return `move it to namespace '${namespace}', with ${attachment}`;
  return hasTargets ? `replace the targetRefs by ${attachment}` : `select the gateway's pods: ${attachment}`;
}

/** What attaches a policy to pods: of a Gateway API gateway its name, of others their labels. */
function attachmentTo(labels: Labels): string {
  const name = labels[gatewayNameLabel];
  if (name === undefined) return `\`selector: {matchLabels: {${labelsText(labels)}}}\``;
  return `\`targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: ${name}}]\``;
}

function labelsText(labels: Labels): string {
  const [first] = Object.entries(labels).sort(([a], [b]) => Number(b === 'istio') - Number(a === 'istio'));
  return first === undefined ? '' : `${first[0]}: ${first[1]}`;
}

/** Policies on Services, ServiceEntries, GatewayClasses and waypoints are asked by waypoints, which have no pods to select. */
function isAboutWaypoints(reader: MeshReader, { resource }: CompiledPolicy): boolean {
  const { namespace } = resource.metadata;
  return targetRefsOf(resource).some(({ kind, name = '' }) => {
    if (kind !== 'Gateway') return true;
    const gateway = reader.first(resourcesById, idOf({ kind: 'KubernetesGateway', namespace, name }));
    return gateway?.kind === 'KubernetesGateway' && isWaypoint(gateway);
  });
}

/** Targets in whose name no waypoint asks the policy. */
function* unaskedTargets(reader: MeshReader, policy: CompiledPolicy): Iterable<Problem> {
  const { namespace } = policy.resource.metadata;
  for (const ref of targetRefsOf(policy.resource)) {
    const { name = '' } = ref;
    const kind = targetKindOf(ref);
    if (kind === 'GatewayClass' && name === waypointClass) yield* aboutClass(reader, policy);
    if (kind !== 'Service' && kind !== 'ServiceEntry') continue;
    const target = reader.first(resourcesById, idOf({ kind, namespace, name }));
    if (target?.kind === 'Service' || target?.kind === 'ServiceEntry') yield* withoutWaypoint(reader, policy, target);
    else if (kind === 'ServiceEntry') yield aboutMissing(reader, policy, name);
  }
}

/** Source: pilot/pkg/model/policyattachment.go `ShouldAttachPolicy`. */
function* aboutClass(reader: MeshReader, policy: CompiledPolicy): Iterable<Problem> {
  const { rootNamespace } = factsOf(reader).config;
  if (policy.resource.metadata.namespace === rootNamespace) return;
  yield {
    at: attachmentOf(reader, policy, undefined),
    key: 'GatewayClass',
    message: `the ${policy.action} policy targets all waypoints, which only one in '${rootNamespace}' does: nothing asks the policy`,
    fix: `move it to namespace '${rootNamespace}', or set \`targetRefs\` to the ServiceEntry or its waypoint`,
  };
}

function aboutMissing(reader: MeshReader, policy: CompiledPolicy, name: string): Problem {
  const { namespace } = policy.resource.metadata;
  return {
    at: attachmentOf(reader, policy, undefined),
    key: `ServiceEntry ${name}`,
    message: `the ${policy.action} policy targets ServiceEntry '${name}', which is not in namespace '${namespace}': nothing asks the policy`,
    fix: 'add the ServiceEntry, or move the policy to where it is',
    severity: 'warning', // what it was about may have gone
    incomplete: true,
  };
}

/** An external service that no waypoint serves: neither it nor its namespace names one. */
function* withoutWaypoint(
  reader: MeshReader,
  policy: CompiledPolicy,
  target: ResourceOf<'Service' | 'ServiceEntry'>,
): Iterable<Problem> {
  const hosts = externalHostsIn(reader, target);
  if (hosts.length === 0 || waypointOf(reader, target) !== undefined) return;
  const { kind, metadata } = target;
  const [id] = hosts.flatMap((host) => [...gatewaysOfHost(reader, host)]);
  yield {
    at: attachmentOf(reader, policy, undefined),
    key: `${kind} ${metadata.name}`,
    message: `the ${policy.action} policy targets ${kind} '${metadata.name}', which has no waypoint: nothing asks the policy`,
    fix:
      id === undefined
        ? `name the waypoint in the label '${useWaypoint}' of the ${kind}`
        : fixFor(reader, policy, workloadById(reader, id)),
    related: [fieldOf(target, 'metadata.labels')],
    // The namespace may name one.
    incomplete: id === undefined && reader.first(namespacesByName, metadata.namespace) === undefined,
  };
}

/** The gateways in the policy's own namespace that it applies to: a host may come in by one and go out by another. */
function attachedGateways(reader: MeshReader, { resource }: CompiledPolicy): readonly Workload[] {
  const { namespace } = resource.metadata;
  const pods = reader.entries(workloadsByNamespace, namespace).map(workloadOf);
  const promised = reader
    .entries(kubernetesServices, namespace)
    .flatMap(({ selector }) => (selector === undefined ? [] : [promisedWorkload(namespace, selector)]));
  return [...pods, ...promised].filter(
    (workload) => isAttached(reader, resource, workload) && isGateway(reader, workload),
  );
}

/** True for a policy on a Gateway of the Kubernetes API that exists. */
function isOfGatewayApi(reader: MeshReader, { resource }: CompiledPolicy): boolean {
  const { namespace } = resource.metadata;
  return targetRefsOf(resource).some(
    ({ name = '' }) => reader.first(resourcesById, idOf({ kind: 'KubernetesGateway', namespace, name })) !== undefined,
  );
}

function serves(reader: MeshReader, workload: Workload, host: string): boolean {
  return listeningPorts(reader, workload).some((port) =>
    hostPatternsOf(host).some(
      (name) =>
        chainsNamed(reader, workload, port, name).length > 0 ||
        httpServersNamed(reader, workload, port, name).length > 0,
    ),
  );
}
