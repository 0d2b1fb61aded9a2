import { gatewayNameLabel } from './managed-gateway.ts';
import type { AuthorizationPolicyTargetRef } from './resources.gen.ts';
import type { Labels, ResourceOf } from './resources.ts';

/** The pods that a policy may attach to. */
export interface PolicyWorkload {
  readonly namespace: string;
  readonly labels: Labels;
  /** The root namespace of the mesh: its policies attach in every namespace. */
  readonly rootNamespace: string;
}

const gatewayGroup = 'gateway.networking.k8s.io';
const dryRunAnnotation = 'istio.io/dry-run';

/** What Go's `strconv.ParseBool` reads as true. */
const goTrue: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

/** True when a policy only reports what it would do. Source: pilot/pkg/security/authz/builder/builder.go `isDryRun`. */
export function isDryRun(annotations: Labels): boolean {
  return goTrue.has(annotations[dryRunAnnotation] ?? '');
}

/**
 * True when the policy is in force on the workload: it lies in the root namespace or the workload's own, and its selector or
 * one of its targetRefs says so. Pods of a Gateway API Gateway are known by their label; only for them do targetRefs count.
 * Waypoints are not asked about here.
 * Source: pilot/pkg/model/authorization.go `ListAuthorizationPolicies`, policyattachment.go `ShouldAttachPolicy`.
 */
export function attaches(policy: ResourceOf<'AuthorizationPolicy'>, workload: PolicyWorkload): boolean {
  const { namespace } = policy.metadata;
  if (namespace !== workload.rootNamespace && namespace !== workload.namespace) return false;
  const targetRefs = targetRefsOf(policy);
  if (targetRefs.length === 0) return isSelected(policy.spec.selector?.matchLabels ?? {}, workload.labels);
  const gateway = workload.labels[gatewayNameLabel];
  if (gateway === undefined || namespace !== workload.namespace) return false;
  return targetRefs.some((ref) => isGatewayRef(ref, gateway, workload.namespace));
}

/** The targetRefs of a policy, the deprecated single one included. Source: policyattachment.go `GetTargetRefs`. */
export function targetRefsOf(policy: ResourceOf<'AuthorizationPolicy'>): readonly AuthorizationPolicyTargetRef[] {
  const { targetRef, targetRefs = [] } = policy.spec;
  return targetRefs.length === 0 && targetRef !== undefined ? [targetRef] : targetRefs;
}

const targetKinds: Readonly<Record<string, TargetKind | undefined>> = {
  '/Service': 'Service',
  'core/Service': 'Service',
  'networking.istio.io/ServiceEntry': 'ServiceEntry',
  [`${gatewayGroup}/Gateway`]: 'Gateway',
  [`${gatewayGroup}/GatewayClass`]: 'GatewayClass',
};

/** What a policy may target: a Gateway of the Gateway API, or what waypoints serve. */
export type TargetKind = 'Service' | 'ServiceEntry' | 'Gateway' | 'GatewayClass';

/** The kind of what a target names; undefined where group and kind are none that Istio knows. Source: policyattachment.go `matchesGroupKind`. */
export function targetKindOf({ group = '', kind = '' }: AuthorizationPolicyTargetRef): TargetKind | undefined {
  return targetKinds[`${group}/${kind}`];
}

function isGatewayRef(ref: AuthorizationPolicyTargetRef, gateway: string, namespace: string): boolean {
  const refNamespace = ref.namespace ?? '';
  if (refNamespace !== '' && refNamespace !== namespace) return false;
  return targetKindOf(ref) === 'Gateway' && ref.name === gateway;
}

/** Source: pkg/config/labels/instance.go `SubsetOf`. */
function isSelected(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}
