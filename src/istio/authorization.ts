import { isDryRun } from './authorization-attachment.ts';
import type { Facts } from './authorization-facts.ts';
import { type CompiledRule, compileRule, evaluateRule } from './authorization-rule.ts';
import { always, holds, isClientsChoice, never, type Truth } from './authorization-truth.ts';
import { compareText, type ResourceOf } from './resources.ts';
import { trustDomainsOf } from './trust-domain.ts';

/** What of the mesh configuration gives policies their meaning. */
export interface AuthorizationMesh {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /**
   * The external authorizers (`extensionProviders`) by name: `http` ones cannot be asked on TCP chains. Undefined if they are
   * not known; then every CUSTOM policy is taken to name one that exists.
   */
  readonly authorizers?: ReadonlyMap<string, 'http' | 'grpc'> | undefined;
}

/** What a CUSTOM policy does with the requests that it matches: an authorizer decides, or istiod builds a DENY. */
interface CustomAction {
  /** Name of the authorizer. */
  readonly provider: string;
  /** `missing`: istiod knows no such authorizer and denies. */
  readonly protocol: 'http' | 'grpc' | 'missing';
}

/** A policy, compiled once and evaluated for every path. */
export interface CompiledPolicy {
  readonly resource: ResourceOf<'AuthorizationPolicy'>;
  /** `namespace/name`. */
  readonly id: string;
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';
  /** True when the policy only reports; as if it did not exist. */
  readonly dryRun: boolean;
  readonly rules: readonly CompiledRule[];
  /** Present on CUSTOM policies. */
  readonly custom?: CustomAction;
}

/** The verdict on the concrete request of a path. */
export interface AuthorizationVerdict {
  readonly decision: 'ALLOW' | 'DENY';
  /** `namespace/name` of every policy that matches and thereby decides, sorted; empty with DENY: no ALLOW policy matches. */
  readonly policies: readonly string[];
  /** `namespace/name` of the policies whose verdict is the client's choice, or an external authorizer's; sorted. */
  readonly depends: readonly string[];
  /** `namespace/name` of the CUSTOM policies that istiod skips on this chain, as their authorizer speaks HTTP only; sorted. */
  readonly skipped: readonly string[];
}

/**
 * Compiles a policy for evaluation. A DENY or CUSTOM policy without rules, which Istio's validation refuses, comes out as one
 * that never matches. Source: pilot/pkg/security/authz/builder/builder.go `build`.
 */
export function compilePolicy(resource: ResourceOf<'AuthorizationPolicy'>, mesh: AuthorizationMesh): CompiledPolicy {
  const { metadata, spec } = resource;
  const action = spec.action ?? 'ALLOW';
  const context = {
    namespace: metadata.namespace,
    trustDomains: trustDomainsOf(mesh.trustDomain, mesh.trustDomainAliases),
  };
  return {
    resource,
    id: `${metadata.namespace}/${metadata.name}`,
    action,
    dryRun: isDryRun(metadata.annotations),
    rules: (spec.rules ?? []).map((rule, index) =>
      compileRule(rule, `spec.rules[${index}]`, action === 'ALLOW', context),
    ),
    ...(action === 'CUSTOM' && { custom: customAction(spec.provider?.name ?? '', mesh) }),
  };
}

/** What a policy's rules, OR-ed, say of the requests of a path. A policy without rules never matches. */
export function evaluatePolicy(policy: CompiledPolicy, facts: Facts): Truth {
  let truth = never;
  for (const rule of policy.rules) {
    truth |= evaluateRule(rule, facts);
    if (truth === always) return always;
  }
  return truth;
}

/**
 * The verdict of all policies that are attached to a gateway, on the concrete request of a path: any CUSTOM policy that
 * cannot ask its authorizer denies, then any DENY policy that matches; then, if there is an ALLOW policy, one must match. Order,
 * age and namespace give no precedence; AUDIT policies and dry runs change nothing.
 * Source: pilot/pkg/security/authz/builder/builder.go, pilot/pkg/networking/core/listener_builder.go.
 */
export function authorize(policies: readonly CompiledPolicy[], facts: Facts): AuthorizationVerdict {
  const tally: Tally = { refusing: [], denying: [], allowing: [], depends: [], skipped: [], hasAllow: false };
  const canAskAuthorizer = !hasSeveralAuthorizers(policies);
  for (const policy of policies) {
    if (policy.dryRun || policy.action === 'AUDIT') continue;
    if (policy.action === 'ALLOW') tally.hasAllow = true;
    const truth = evaluatePolicy(policy, facts);
    if (truth !== never) count(tally, policy, truth, canAskAuthorizer ? askable(policy.custom, facts) : 'refused');
  }
  return verdictOf(tally);
}

interface Tally {
  /** CUSTOM policies that cannot ask: their filter comes first. */
  readonly refusing: string[];
  readonly denying: string[];
  readonly allowing: string[];
  readonly depends: string[];
  readonly skipped: string[];
  hasAllow: boolean;
}

/** What comes of an authorizer: it is asked, the policy is skipped, or the policy denies. */
type Asking = 'asked' | 'skipped' | 'refused';

function count(tally: Tally, policy: CompiledPolicy, truth: Truth, asking: Asking): void {
  if (policy.action === 'CUSTOM' && asking !== 'refused') {
    (asking === 'asked' ? tally.depends : tally.skipped).push(policy.id);
    return;
  }
  if (isClientsChoice(truth)) tally.depends.push(policy.id);
  if (holds(truth)) deciding(tally, policy).push(policy.id);
}

function deciding({ refusing, denying, allowing }: Tally, { action }: CompiledPolicy): string[] {
  if (action === 'ALLOW') return allowing;
  return action === 'CUSTOM' ? refusing : denying;
}

function verdictOf({ refusing, denying, allowing, depends, skipped, hasAllow }: Tally): AuthorizationVerdict {
  const against = refusing.length > 0 ? refusing : denying;
  const isDenied = against.length > 0 || (hasAllow && allowing.length === 0);
  return {
    decision: isDenied ? 'DENY' : 'ALLOW',
    policies: sorted(isDenied ? against : allowing),
    depends: sorted(depends),
    skipped: sorted(skipped),
  };
}

function sorted(ids: string[]): readonly string[] {
  return ids.length > 1 ? ids.sort(compareText) : ids;
}

/** Source: builder.go `buildTCP`: an authorizer that speaks HTTP only is ignored on TCP chains. */
function askable(custom: CustomAction | undefined, facts: Facts): Asking {
  if (custom === undefined || custom.protocol === 'missing') return 'refused';
  return custom.protocol === 'http' && facts.chain === 'tcp' ? 'skipped' : 'asked';
}

/**
 * With CUSTOM policies of several authorizers on one workload istiod builds a DENY of each, unless
 * PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS is set (default: false). Source: builder.go `buildHTTP`, `buildTCP`.
 */
function hasSeveralAuthorizers(policies: readonly CompiledPolicy[]): boolean {
  let provider: string | undefined;
  for (const { custom } of policies) {
    if (custom === undefined) continue;
    if (provider !== undefined && provider !== custom.provider) return true;
    provider = custom.provider;
  }
  return false;
}

/** Source: pilot/pkg/security/authz/builder/extauthz.go `getExtAuthz`. */
function customAction(provider: string, mesh: AuthorizationMesh): CustomAction {
  if (mesh.authorizers === undefined) return { provider, protocol: 'grpc' };
  return { provider, protocol: mesh.authorizers.get(provider) ?? 'missing' };
}
