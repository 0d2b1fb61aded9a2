import { rules } from '../../src/rules/index.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';
import { readValues, type Value } from './values.ts';

/** A JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

const port: Schema = { type: 'integer', minimum: 1, maximum: 65_535 };
const name: Schema = { type: 'string', minLength: 1 };
const duration: Schema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' };
const failurePolicy: Schema = { type: 'string', enum: ['Fail', 'Ignore'] };
const texts: Schema = { type: 'object', additionalProperties: { type: 'string' } };
const strings: Schema = { type: 'array', items: { type: 'string' } };
const amounts: Schema = { type: 'object', additionalProperties: { type: ['string', 'number'] } };

/** A type of Kubernetes, whose fields the API server knows and checks. */
const kubernetesType: Schema = { type: 'object', additionalProperties: true };
const kubernetesTypes: Schema = { type: 'array', items: kubernetesType };

/** What the default alone does not say of a value. Empty maps and lists have to be here. */
const constraints: Readonly<Record<string, Schema>> = {
  settings: productSettings(),
  fullnameOverride: { maxLength: 48, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
  nameOverride: { maxLength: 48, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
  commonLabels: texts,
  'image.repository': name,
  'image.digest': { pattern: '^(sha256:[0-9a-f]{64})?$' },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  'image.pullSecrets': { type: 'array', items: closed({ name }, ['name']) },
  replicas: { minimum: 1 },
  'webhook.failurePolicy': failurePolicy,
  'webhook.coreFailurePolicy': failurePolicy,
  'webhook.timeoutSeconds': { minimum: 1, maximum: 30 },
  'webhook.excludedNamespaces': { items: name, uniqueItems: true },
  'webhook.matchConditions': {
    type: 'array',
    items: closed({ name, expression: name }, ['name', 'expression']),
    maxItems: 64,
  },
  'webhook.annotations': texts,
  'tls.mode': { enum: ['selfManaged', 'certManager', 'existingSecret'] },
  'tls.certManager.issuerRef': {
    ...closed({ name, kind: name, group: name }),
    anyOf: [{ maxProperties: 0 }, { required: ['name'] }],
  },
  'tls.certManager.duration': duration,
  'tls.certManager.renewBefore': duration,
  'service.port': port,
  'service.annotations': texts,
  'ports.webhook': port,
  'ports.ops': port,
  shutdownDelaySeconds: { minimum: 0 },
  terminationGracePeriodSeconds: { minimum: 1 },
  resources: closed({ requests: amounts, limits: amounts, claims: kubernetesTypes }),
  'serviceAccount.annotations': texts,
  deploymentAnnotations: texts,
  podAnnotations: texts,
  podLabels: texts,
  podSecurityContext: kubernetesType,
  securityContext: kubernetesType,
  nodeSelector: texts,
  tolerations: kubernetesTypes,
  affinity: closed({ nodeAffinity: kubernetesType, podAffinity: kubernetesType, podAntiAffinity: kubernetesType }),
  topologySpreadConstraints: kubernetesTypes,
  'podDisruptionBudget.maxUnavailable': { type: ['integer', 'string'], minimum: 0, pattern: '^[0-9]+%$' },
  'networkPolicy.metricsFrom': kubernetesTypes,
  'networkPolicy.apiServerPorts': { items: port, minItems: 1 },
  'networkPolicy.extraEgress': kubernetesTypes,
  'serviceMonitor.interval': duration,
  'serviceMonitor.scrapeTimeout': duration,
  'serviceMonitor.labels': texts,
  'serviceMonitor.metricRelabelings': kubernetesTypes,
  extraArgs: strings,
  extraEnv: kubernetesTypes,
  extraVolumes: kubernetesTypes,
  extraVolumeMounts: kubernetesTypes,
  extraContainers: kubernetesTypes,
  extraObjects: kubernetesTypes,
};

/** What Helm itself puts among the values where the chart is part of another one. */
const fromHelm: Readonly<Record<string, Schema>> = {
  global: { ...kubernetesType, description: 'Values of the chart that this one is part of.' },
  enabled: { type: 'boolean', description: 'For the condition of a chart that this one is part of.' },
};

/** The schema of the values: strict, with the comments of values.yaml as descriptions, and the product's own schema of settings. */
export function valuesSchema(): Schema {
  const values = readValues();
  const unknown = Object.keys(constraints).filter((path) => !values.some((value) => value.path === path));
  if (unknown.length > 0) throw new Error(`constraints of values that are not there: ${unknown.join(', ')}`);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#', // the one that every release of Helm knows
    title: 'Values of egress-guard',
    ...objectOf(
      values.map((value) => ({ value, path: value.path.split('.') })),
      fromHelm,
    ),
  };
}

interface Placed {
  readonly value: Value;
  /** Below the object that is made. */
  readonly path: readonly string[];
}

function objectOf(placed: readonly Placed[], further: Readonly<Record<string, Schema>> = {}): Schema {
  const groups = Map.groupBy(placed, ({ path }) => path[0] ?? '');
  const properties = [...groups].map(([key, members]): [string, Schema] => {
    const [first] = members;
    const isLeaf = first?.path.length === 1;
    const below = members.map(({ value, path }) => ({ value, path: path.slice(1) }));
    return [key, first && isLeaf ? leafOf(first.value) : objectOf(below)];
  });
  return closed({ ...Object.fromEntries(properties), ...further });
}

function leafOf({ path, default: value, description }: Value): Schema {
  return { description, ...(path !== 'settings' && { default: value }), ...typeOf(value, path), ...constraints[path] };
}

function typeOf(value: unknown, path: string): Schema {
  if (typeof value === 'boolean') return { type: 'boolean' };
  if (typeof value === 'number') return { type: 'integer' };
  if (typeof value === 'string') return { type: 'string' };
  if (constraints[path] === undefined) throw new Error(`nothing says what may be in '${path}'`);
  return { type: Array.isArray(value) ? 'array' : 'object' };
}

function closed(properties: Readonly<Record<string, Schema>>, required?: readonly string[]): Schema {
  return { type: 'object', additionalProperties: false, properties, ...(required && { required }) };
}

/**
 * The product's schema of settings, which says what it is itself. Rules are listed by name, as Helm tells a wrong place for a name that
 * `propertyNames` refuses; and `false` is a severity, since Helm reads YAML 1.1, where that is what `off` means.
 */
function productSettings(): Schema {
  const names = rules.map((rule) => rule.name);
  const { $schema, title, ...settings } = settingsSchema(names);
  const { rules: severities, ...properties } = settings.properties ?? {};
  const severity: Schema = { enum: ['error', 'warning', 'off', false] };
  const listed = closed(Object.fromEntries(names.map((rule) => [rule, severity])));
  return { ...settings, properties: { ...properties, rules: { description: severities?.description, ...listed } } };
}
