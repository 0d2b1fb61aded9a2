import { parseAllDocuments } from 'yaml';

/** What the generator keeps of an OpenAPI v3 schema: the structure and one line of documentation, no value constraints but enums. */
export type Shape = ObjectShape | ArrayShape | MapShape | StringShape | ScalarShape;

/** An object whose fields are all known. */
export interface ObjectShape {
  readonly type: 'object';
  readonly fields: readonly Field[];
  readonly required: readonly string[];
}

/** A list of equal shapes. */
export interface ArrayShape {
  readonly type: 'array';
  readonly items: Shape;
}

/** An object whose keys are free and whose values share one shape. */
export interface MapShape {
  readonly type: 'map';
  readonly values: Shape;
}

/** A string, limited to `values` if there are any. */
export interface StringShape {
  readonly type: 'string';
  readonly values: readonly string[];
}

/** Anything without further structure. */
export interface ScalarShape {
  readonly type: 'integer' | 'number' | 'boolean' | 'int-or-string' | 'any';
}

/** One field of an object. */
export interface Field {
  readonly name: string;
  /** First sentence of the description, one line; empty without a description. */
  readonly doc: string;
  readonly shape: Shape;
}

/** The `spec` of one kind. */
export interface KindShape {
  readonly group: string;
  readonly kind: string;
  readonly spec: ObjectShape;
}

interface CustomResourceDefinition {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly storage: boolean;
      readonly served?: boolean;
      readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
    }[];
  };
}

interface OpenApiSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly items?: OpenApiSchema;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

const maxDocLength = 160;

/**
 * Reads every CustomResourceDefinition of a YAML stream as the shape of its storage version's `spec`; kinds without a `spec` are left out.
 * Versions are not told apart, so a field is required only where every served version requires it.
 */
export function readShapes(yaml: string): KindShape[] {
  const shapes: KindShape[] = [];
  for (const document of parseAllDocuments(yaml)) {
    const crd = document.toJS() as CustomResourceDefinition | null; // the parsing edge: CRDs as their projects publish them
    if (crd?.kind !== 'CustomResourceDefinition') continue;
    const version = crd.spec.versions.find((candidate) => candidate.storage);
    const stored = version && specOf(version);
    const served = crd.spec.versions.filter((candidate) => candidate.served !== false).map(specOf);
    const spec = stored && toShape(served.reduce<OpenApiSchema>((kept, other) => withRequiredOf(kept, other), stored));
    if (spec?.type === 'object') shapes.push({ group: crd.spec.group, kind: crd.spec.names.kind, spec });
  }
  return shapes;
}

type CrdVersion = CustomResourceDefinition['spec']['versions'][number];

function specOf({ schema }: CrdVersion): OpenApiSchema | undefined {
  return schema.openAPIV3Schema.properties?.['spec'];
}

/** The schema, requiring only what another version requires too. A field that the other lacks is left as it is. */
function withRequiredOf(schema: OpenApiSchema, other: OpenApiSchema | undefined): OpenApiSchema {
  if (other === undefined) return schema;
  const { properties, items, required } = schema;
  const narrowed = Object.entries(properties ?? {}).map(([name, property]) => {
    return [name, withRequiredOf(property, other.properties?.[name])] as const;
  });
  return {
    ...schema,
    ...(properties && { properties: Object.fromEntries(narrowed) }),
    ...(items && { items: withRequiredOf(items, other.items) }),
    ...(required && { required: required.filter((name) => other.required?.includes(name)) }),
  };
}

function toShape(schema: OpenApiSchema): Shape {
  if (schema['x-kubernetes-int-or-string']) return { type: 'int-or-string' };
  switch (schema.type) {
    case 'object':
      return toObjectOrMap(schema);
    case 'array':
      return { type: 'array', items: schema.items ? toShape(schema.items) : { type: 'any' } };
    case 'string':
      return { type: 'string', values: schema.enum ?? [] };
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: schema.type };
    default:
      return { type: 'any' };
  }
}

function toObjectOrMap(schema: OpenApiSchema): ObjectShape | MapShape {
  if (typeof schema.additionalProperties === 'object')
    return { type: 'map', values: toShape(schema.additionalProperties) };
  if (!schema.properties || schema['x-kubernetes-preserve-unknown-fields'])
    return { type: 'map', values: { type: 'any' } };
  return {
    type: 'object',
    fields: Object.entries(schema.properties).map(([name, property]) => toField(name, property)),
    required: schema.required ?? [],
  };
}

function toField(name: string, schema: OpenApiSchema): Field {
  return { name, doc: firstSentence(schema.description ?? ''), shape: toShape(schema) };
}

/** The first sentence of a description as one line that is safe inside a block comment, cut at a word where it is too long. */
function firstSentence(description: string): string {
  const paragraph = description.split(/\n\s*\n/, 1)[0] ?? '';
  const line = paragraph.replace(/\s+/g, ' ').replaceAll('*/', '* /').trim();
  const sentence = /^.*?(?<!e\.g|i\.e|etc)\.(?=\s|$)/.exec(line)?.[0] ?? line;
  if (sentence.length <= maxDocLength) return sentence;
  return `${sentence.slice(0, maxDocLength - 1).replace(/\s+\S*$/, '')}…`;
}
