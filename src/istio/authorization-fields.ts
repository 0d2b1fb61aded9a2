import type { Comparison, Condition } from './authorization-condition.ts';
import type {
  AuthorizationPolicyRuleFromSource,
  AuthorizationPolicyRuleToOperation,
  AuthorizationPolicyRuleWhen,
} from './resources.gen.ts';
import {
  hostMatcher,
  namespaceMatchers,
  plainMatcher,
  principalMatchers,
  type StringMatcher,
  serviceAccountMatchers,
  trustDomainMatchers,
} from './string-match.ts';
import type { TrustDomains } from './trust-domain.ts';

/** What the meaning of a value depends on besides the value. */
export interface PolicyContext {
  /** The namespace of the policy: that of a service account without one. */
  readonly namespace: string;
  readonly trustDomains: TrustDomains;
}

/** Compiles the values of one attribute. */
type Compile = (values: readonly string[], context: PolicyContext) => Comparison;

/** Values and negated values of one attribute, as a policy writes them. */
interface Field {
  readonly path: string;
  readonly negatedPath: string;
  readonly values: readonly string[] | undefined;
  readonly negatedValues: readonly string[] | undefined;
  readonly compile: Compile;
}

const identity = (matchers: readonly StringMatcher[]): Comparison => ({ on: 'identity', matchers });
const principal: Compile = (values, { trustDomains }) => identity(principalMatchers(values, trustDomains));
const namespace: Compile = (values) => identity(namespaceMatchers(values));
const serviceAccount: Compile = (values, context) => identity(serviceAccountMatchers(values, context.namespace));
const trustDomain: Compile = (values, { trustDomains }) => identity(trustDomainMatchers(values, trustDomains));
const clientAddress: Compile = (values) => ({ on: 'address', of: 'client', blocks: values });
const otherAddress: Compile = (values) => ({ on: 'address', of: 'unknown', blocks: values });
const port: Compile = (values) => ({ on: 'port', ports: values.map(Number) });
const token: Compile = () => ({ on: 'token' });
const metadata: Compile = () => ({ on: 'metadata' });
const sni: Compile = (values) => ({ on: 'sni', matchers: values.map(plainMatcher) });
const host: Compile = (values) => ({ on: 'host', matchers: values.map(hostMatcher) });
const method: Compile = (values) => ({ on: 'method', matchers: values.map(plainMatcher) });
const path: Compile = (values) => ({ on: 'path', matchers: values.map(pathMatcher) });

/** The attributes of `when` whose key is the whole name. Source: pilot/pkg/security/authz/model/model.go `New`. */
const attributes: ReadonlyMap<string, Compile> = new Map([
  ['destination.ip', otherAddress],
  ['destination.port', port],
  ['connection.sni', sni],
  ['source.ip', clientAddress],
  ['remote.ip', otherAddress],
  ['source.namespace', namespace],
  ['source.trustDomain', trustDomain],
  ['source.serviceAccount', serviceAccount],
  ['source.principal', principal],
  ['request.auth.principal', token],
  ['request.auth.audiences', token],
  ['request.auth.presenter', token],
]);

/** The conditions of one `from[].source`, AND-ed. Source: pilot/pkg/security/authz/model/model.go `New`. */
export function sourceConditions(
  source: AuthorizationPolicyRuleFromSource,
  at: string,
  context: PolicyContext,
): readonly Condition[] {
  const field = fieldsAt(at, context);
  return [
    ...field('principals', principal, source.principals, source.notPrincipals),
    ...field('requestPrincipals', token, source.requestPrincipals, source.notRequestPrincipals),
    ...field('serviceAccounts', serviceAccount, source.serviceAccounts, source.notServiceAccounts),
    ...field('trustDomains', trustDomain, source.trustDomains, source.notTrustDomains),
    ...field('namespaces', namespace, source.namespaces, source.notNamespaces),
    ...field('remoteIpBlocks', otherAddress, source.remoteIpBlocks, source.notRemoteIpBlocks),
    ...field('ipBlocks', clientAddress, source.ipBlocks, source.notIpBlocks),
  ];
}

/** The conditions of one `to[].operation`, AND-ed. Source: pilot/pkg/security/authz/model/model.go `New`. */
export function operationConditions(
  operation: AuthorizationPolicyRuleToOperation,
  at: string,
  context: PolicyContext,
): readonly Condition[] {
  const field = fieldsAt(at, context);
  return [
    ...field('hosts', host, operation.hosts, operation.notHosts),
    ...field('methods', method, operation.methods, operation.notMethods),
    ...field('paths', path, operation.paths, operation.notPaths),
    ...field('ports', port, operation.ports, operation.notPorts),
  ];
}

/**
 * The conditions of one `when`, AND-ed; undefined if Istio does not know the key, which makes it skip the whole rule.
 * Source: pilot/pkg/security/authz/model/model.go `New`.
 */
export function whenConditions(
  when: AuthorizationPolicyRuleWhen,
  at: string,
  context: PolicyContext,
): readonly Condition[] | undefined {
  const compile = attribute(when.key ?? '');
  if (compile === undefined) return undefined;
  const { values, notValues: negatedValues } = when;
  return fieldConditions(
    { path: `${at}.values`, negatedPath: `${at}.notValues`, values, negatedValues, compile },
    context,
  );
}

function attribute(key: string): Compile | undefined {
  const whole = attributes.get(key);
  if (whole !== undefined) return whole;
  if (key.startsWith('request.headers')) {
    const header = key.slice('request.headers['.length, -1);
    return (values) => ({ on: 'header', header, matchers: values.map(plainMatcher) });
  }
  if (key.startsWith('request.auth.claims')) return token;
  return key.startsWith('experimental.envoy.filters.') ? metadata : undefined;
}

function fieldConditions(
  { path, negatedPath, values = [], negatedValues = [], compile }: Field,
  context: PolicyContext,
): readonly Condition[] {
  const conditions: Condition[] = [];
  if (values.length > 0) conditions.push({ field: path, negated: false, comparison: compile(values, context) });
  if (negatedValues.length > 0)
    conditions.push({ field: negatedPath, negated: true, comparison: compile(negatedValues, context) });
  return conditions;
}

/** For objects that have a field `notX` for each field `x`. */
function fieldsAt(at: string, context: PolicyContext) {
  return (
    name: string,
    compile: Compile,
    values?: readonly string[],
    negatedValues?: readonly string[],
  ): readonly Condition[] => {
    const field = { path: `${at}.${name}`, negatedPath: `${at}.${negatedName(name)}`, values, negatedValues, compile };
    return fieldConditions(field, context);
  };
}

/** `principals` → `notPrincipals`. */
function negatedName(name: string): string {
  return `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/**
 * A path template (`{*}`, `{**}`) is compared with `/` only, the path of the concrete request: of all templates just `/{**}`
 * matches it. Source: pilot/pkg/security/authz/model/generator.go `pathGenerator`, matcher/template.go.
 */
function pathMatcher(value: string): StringMatcher {
  if (value.includes('{*}') || value.includes('{**}')) return { kind: 'exact', text: value === '/{**}' ? '/' : value };
  return plainMatcher(value);
}
