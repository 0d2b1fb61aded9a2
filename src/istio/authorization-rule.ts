import { type Condition, evaluateCondition, isHttpOnly } from './authorization-condition.ts';
import { type Discriminators, discriminatorsOf } from './authorization-discriminators.ts';
import type { Facts } from './authorization-facts.ts';
import { operationConditions, type PolicyContext, sourceConditions, whenConditions } from './authorization-fields.ts';
import { always, never, type Truth } from './authorization-truth.ts';
import type { AuthorizationPolicyRule } from './resources.gen.ts';

/** Conditions that are AND-ed. */
type Conditions = readonly Condition[];

/** What a rule asks: one of `from`, and one of `to`, and all of `when`. */
interface Clauses {
  /** No element: any client. */
  readonly from: readonly Conditions[];
  /** No element: any operation. */
  readonly to: readonly Conditions[];
  readonly when: Conditions;
}

/** A rule on one kind of filter chain: what it asks, or the field for which istiod leaves it out. */
type Compiled =
  | { readonly kind: 'active'; readonly clauses: Clauses }
  | { readonly kind: 'dropped'; readonly field: string; readonly reason: 'http-only' | 'unknown-attribute' };

/** One rule of a policy, compiled. */
export interface CompiledRule {
  /** `spec.rules[i]`. */
  readonly field: string;
  readonly http: Compiled;
  readonly tcp: Compiled;
  /** The first field that counts for nothing on TCP chains, where the rule otherwise holds; absent if all count. */
  readonly lost?: string;
  readonly discriminators: Discriminators;
}

/**
 * Why a rule matches no request of a path, in one word:
 * `http-only` and `unknown-attribute`: istiod leaves the rule out; `no-identity`: the connection has no client certificate;
 * `no-sni`: it is plaintext; `contradiction`: no single field, but together they exclude each other; otherwise what the path
 * has another value of.
 */
type Obstacle =
  | 'http-only'
  | 'unknown-attribute'
  | 'no-identity'
  | 'no-sni'
  | 'contradiction'
  | Condition['comparison']['on'];

/** The field that makes a rule never match. */
export interface RuleExplanation {
  /** Path below the object: `spec.rules[0].from[0].source.principals`. */
  readonly field: string;
  readonly obstacle: Obstacle;
}

/**
 * Compiles a rule. On TCP chains an ALLOW rule with any HTTP-only field is dropped as a whole; every other action loses just
 * those fields. A key that Istio does not know drops the rule everywhere.
 * Source: pilot/pkg/security/authz/model/model.go `New`, `Generate`, `checkError`.
 */
export function compileRule(
  rule: AuthorizationPolicyRule,
  field: string,
  isAllow: boolean,
  context: PolicyContext,
): CompiledRule {
  const discriminators = discriminatorsOf(rule, context.namespace);
  const compiled = compileClauses(rule, field, context);
  if (compiled.kind === 'dropped') return { field, http: compiled, tcp: compiled, discriminators };
  const httpOnly = conditionsOf(compiled).find(isHttpOnly);
  const lost = httpOnly === undefined || isAllow ? {} : { lost: httpOnly.field };
  return { field, http: compiled, tcp: withoutHttp(compiled, isAllow), ...lost, discriminators };
}

/** What the rule says of the requests of a path. */
export function evaluateRule(rule: CompiledRule, facts: Facts): Truth {
  const compiled = facts.chain === 'http' ? rule.http : rule.tcp;
  if (compiled.kind === 'dropped') return never;
  const { from, to, when } = compiled.clauses;
  let truth = evaluateAll(when, facts);
  if (truth !== never) truth &= evaluateSome(from, facts);
  if (truth !== never) truth &= evaluateSome(to, facts);
  return truth;
}

/**
 * The field because of which a rule matches no request of a path, `when` before `from` before `to`; where every alternative
 * of `from` or `to` fails, the field of the first. Undefined if the rule can match.
 */
export function explainRule(rule: CompiledRule, facts: Facts): RuleExplanation | undefined {
  const compiled = facts.chain === 'http' ? rule.http : rule.tcp;
  if (compiled.kind === 'dropped') return { field: compiled.field, obstacle: compiled.reason };
  if (evaluateRule(rule, facts) !== never) return undefined;
  const { from, to, when } = compiled.clauses;
  const culprit = firstNever(when, facts) ?? firstNeverOfSome(from, facts) ?? firstNeverOfSome(to, facts);
  if (culprit === undefined) return { field: rule.field, obstacle: 'contradiction' };
  return { field: culprit.field, obstacle: obstacleOf(culprit, facts) };
}

function compileClauses(rule: AuthorizationPolicyRule, field: string, context: PolicyContext): Compiled {
  const when: Condition[] = [];
  for (const [index, each] of (rule.when ?? []).entries()) {
    const at = `${field}.when[${index}]`;
    const conditions = whenConditions(each, at, context);
    if (conditions === undefined) return { kind: 'dropped', field: `${at}.key`, reason: 'unknown-attribute' };
    when.push(...conditions);
  }
  const from = (rule.from ?? []).map(({ source = {} }, index) =>
    sourceConditions(source, `${field}.from[${index}].source`, context),
  );
  const to = (rule.to ?? []).map(({ operation = {} }, index) =>
    operationConditions(operation, `${field}.to[${index}].operation`, context),
  );
  return { kind: 'active', clauses: { from, to, when } };
}

type Active = Extract<Compiled, { readonly kind: 'active' }>;

function conditionsOf({ clauses: { from, to, when } }: Active): Conditions {
  return [...when, ...from.flat(), ...to.flat()];
}

function withoutHttp(compiled: Active, isAllow: boolean): Compiled {
  const { from, to, when } = compiled.clauses;
  const httpOnly = conditionsOf(compiled).find(isHttpOnly);
  if (httpOnly === undefined) return compiled;
  if (isAllow) return { kind: 'dropped', field: httpOnly.field, reason: 'http-only' };
  const keep = (conditions: Conditions): Conditions => conditions.filter((condition) => !isHttpOnly(condition));
  return { kind: 'active', clauses: { from: from.map(keep), to: to.map(keep), when: keep(when) } };
}

function evaluateAll(conditions: Conditions, facts: Facts): Truth {
  let truth = always;
  for (const condition of conditions) {
    truth &= evaluateCondition(condition, facts);
    if (truth === never) return never;
  }
  return truth;
}

function evaluateSome(alternatives: readonly Conditions[], facts: Facts): Truth {
  if (alternatives.length === 0) return always;
  let truth = never;
  for (const conditions of alternatives) {
    truth |= evaluateAll(conditions, facts);
    if (truth === always) return always;
  }
  return truth;
}

function firstNever(conditions: Conditions, facts: Facts): Condition | undefined {
  return conditions.find((condition) => evaluateCondition(condition, facts) === never);
}

function firstNeverOfSome(alternatives: readonly Conditions[], facts: Facts): Condition | undefined {
  if (evaluateSome(alternatives, facts) !== never) return undefined;
  for (const conditions of alternatives) {
    const culprit = firstNever(conditions, facts);
    if (culprit !== undefined) return culprit;
  }
  return undefined;
}

function obstacleOf({ comparison: { on } }: Condition, facts: Facts): Obstacle {
  if (on === 'identity' && facts.identity.kind === 'none') return 'no-identity';
  if (on === 'sni' && facts.sni === undefined) return 'no-sni';
  return on;
}
