import type { Outcome } from '../egress/path.ts';

/** A map. */
export interface MapNode {
  readonly type: 'object';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SettingsNode>>;
  readonly required?: readonly string[];
  /** Fields beyond `properties`: none, any, or of one kind. */
  readonly additionalProperties: boolean | SettingsNode;
  /** What the names of those fields may be. */
  readonly propertyNames?: { readonly enum: readonly string[] };
  readonly minProperties?: number;
}

/** A list. */
export interface ListNode {
  readonly type: 'array';
  readonly description?: string;
  readonly items: SettingsNode;
  readonly minItems?: number;
}

/** Text. */
export interface TextNode {
  readonly type: 'string';
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly format?: 'date';
  readonly default?: string;
}

/** One value, or a list of them. */
interface OneOrManyNode {
  readonly description?: string;
  readonly anyOf: readonly [SettingsNode, ListNode];
}

/** The part of JSON Schema that the settings use. */
export type SettingsNode = MapNode | ListNode | TextNode | OneOrManyNode;

/** A JSON Schema as it is published. */
export type PublishedSchema = MapNode & { readonly $schema: string; readonly title: string };

const outcomeWords = [
  'allowed',
  'denied',
  'direct',
  'blocked',
  'broken',
  'misrouted',
] as const satisfies readonly Outcome[];

/** The JSON Schema of the settings file, given the names of all rules: what is checked when it is read, and what is published. */
export function settingsSchema(ruleNames: readonly string[]): PublishedSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Settings of egress-guard',
    type: 'object',
    additionalProperties: false,
    properties: {
      preset: {
        type: 'string',
        enum: ['audit', 'recommended', 'strict'],
        default: 'recommended',
        description:
          'audit: nothing is refused, everything warns; strict: also refuse what a further resource could still resolve.',
      },
      egressGateways: {
        type: 'array',
        items: egressGateway,
        description:
          'Which workloads are egress gateways. Default: derived from the Gateways that mesh routes lead to.',
      },
      clients: texts('Namespaces with sidecars that carry no injection label.'),
      istio,
      directHosts: texts('External hosts that may be reached without the gateway, such as *.corp.internal.'),
      externalNamespaces: texts('Namespaces whose cluster Services count as external hosts.'),
      rules: {
        type: 'object',
        additionalProperties: { type: 'string', enum: ['error', 'warning', 'off'] },
        propertyNames: { enum: ruleNames },
        description: 'Severity by rule name; rules that are not listed keep their own.',
      },
      exemptions: {
        type: 'array',
        items: exemption(ruleNames),
        description: 'Findings that do not count, for a reason.',
      },
      expectations: { type: 'array', items: expectation, description: 'What the team declares about access.' },
    },
  };
}

const text: TextNode = { type: 'string', minLength: 1 };

function texts(description: string, minItems?: number): ListNode {
  return { type: 'array', items: text, description, ...(minItems !== undefined && { minItems }) };
}

const egressGateway: MapNode = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'selector'],
  properties: {
    namespace: { ...text, description: 'Namespace of the gateway pods.' },
    selector: {
      type: 'object',
      additionalProperties: { type: 'string' },
      minProperties: 1,
      description: 'Labels of the gateway pods.',
    },
  },
};

const istio: MapNode = {
  type: 'object',
  additionalProperties: true,
  properties: {
    namespace: {
      type: 'string',
      minLength: 1,
      default: 'istio-system',
      description: 'Namespace of the mesh ConfigMap.',
    },
    revision: {
      type: 'string',
      default: '',
      description: 'Revision of the control plane: the ConfigMap is istio-REVISION.',
    },
  },
  description:
    'Where the mesh configuration lives; further keys override its values (trustDomain, outboundTrafficPolicy …).',
};

function exemption(ruleNames: readonly string[]): MapNode {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['rules', 'resources', 'reason'],
    properties: {
      rules: {
        type: 'array',
        items: { type: 'string', enum: ruleNames },
        minItems: 1,
        description: 'Rules that are switched off.',
      },
      resources: texts('Globs on namespace/Kind/name of the resources they are switched off for.', 1),
      reason: { ...text, description: 'Why; shown with every exempted finding.' },
      expires: {
        type: 'string',
        format: 'date',
        description: 'Valid through this day, UTC; afterwards void and itself reported.',
      },
    },
  };
}

const outcome: TextNode = { type: 'string', enum: outcomeWords };

const outcomes: OneOrManyNode = { anyOf: [outcome, { type: 'array', items: outcome, minItems: 1 }] };

const expectation: MapNode = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'hosts'],
  properties: {
    name: { ...text, description: 'Shown when the expectation is not met.' },
    hosts: texts('External hosts it speaks of; *.example.org and * as Istio means them.', 1),
    from: {
      type: 'object',
      additionalProperties: false,
      properties: {
        namespaces: texts('Globs on namespaces.', 1),
        serviceAccounts: texts('Globs on service accounts.', 1),
      },
      description: 'The clients it speaks of. Default: all.',
    },
    outcome: { ...outcomes, description: 'What these clients get.' },
    others: { ...outcomes, description: 'What all other clients get.' },
    never: { ...outcomes, description: 'What none of these clients gets.' },
  },
};
