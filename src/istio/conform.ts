import { closestName } from './closest-name.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import type { ResourceRef } from './resources.ts';
import type { SchemaNode } from './schema.gen.ts';

/** One place where a value departs from its schema. */
export interface SchemaProblem {
  /** The field, from the root of the resource: `spec.tls[0].match[0].sni_hosts`. */
  readonly path: string;
  readonly kind: 'unknown-field' | 'wrong-type' | 'wrong-enum' | 'missing-field';
  /** What is wrong, without the path. */
  readonly message: string;
  /** The field name or enum value that was probably meant. */
  readonly suggestion?: string;
}

/** How one resource departs from its schema. */
export interface Departures {
  readonly resource: ResourceRef;
  /** In the order of the resource's fields; never empty. */
  readonly problems: readonly SchemaProblem[];
}

/** What `conform` answers. */
export interface Conformed {
  /** The value without its ill-typed parts; the same reference if there were none. Undefined if nothing is left. */
  readonly value: unknown;
  /** In the order of the value's fields, at most `maxProblems`. */
  readonly problems: readonly SchemaProblem[];
}

/** More problems than this are not told: they would help nobody, and a hostile object could hold a million. */
export const maxProblems = 100;

const maxQuotedLength = 64;

/**
 * Fits a `spec` as JSON holds it to its schema, so that what is left has the types that `resources.gen.ts` promises.
 * Unknown fields are removed, as the API server prunes them; so are values of a wrong type or outside their enum, with the list item or map
 * entry they stand for. `null` counts as absent. A missing required field is told and nothing else. Pure; never throws on JSON.
 */
export function conform(schema: SchemaNode, value: unknown): Conformed {
  const problems: SchemaProblem[] = [];
  const tell: Tell = (place, problem, candidates) => {
    if (problems.length >= maxProblems) return;
    const suggestion = candidates && closestName(candidates.insteadOf, candidates.among);
    problems.push({ path: pathOf(place), ...problem, ...(suggestion !== undefined && { suggestion }) });
  };
  return { value: fitNode(schema, value, { name: 'spec' }, tell), problems };
}

/** A field or list item. Only where there is a problem, which is rare, its path is written out. */
interface Place {
  readonly parent?: Place;
  readonly name: string | number;
}

/** Records a problem, with what was probably meant `insteadOf` a name. */
type Tell = (
  place: Place,
  problem: Omit<SchemaProblem, 'path'>,
  candidates?: { insteadOf: string; among: readonly string[] },
) => void;

/** The part of `value` that fits; undefined for nothing. */
function fitNode(node: SchemaNode, value: unknown, place: Place, tell: Tell): unknown {
  if (value === null || value === undefined) return undefined;
  switch (node.t) {
    case 'object':
      return isJsonObject(value) ? fitObject(node, value, place, tell) : wrongType(node, value, place, tell);
    case 'map':
      return isJsonObject(value) ? fitMap(node.v, value, place, tell) : wrongType(node, value, place, tell);
    case 'array':
      return Array.isArray(value) ? fitArray(node.i, value, place, tell) : wrongType(node, value, place, tell);
    case 'string':
      return typeof value === 'string' ? fitString(node.e, value, place, tell) : wrongType(node, value, place, tell);
    default:
      return isScalar(node.t, value) ? value : wrongType(node, value, place, tell);
  }
}

function fitObject(
  { f: fields, r: required = [] }: SchemaNode & { t: 'object' },
  value: JsonObject,
  place: Place,
  tell: Tell,
): unknown {
  for (const name of required) {
    if (Object.hasOwn(value, name) && value[name] !== null) continue;
    tell({ parent: place, name }, { kind: 'missing-field', message: `required field '${name}' is missing` });
  }
  return fitEntries(value, (name, child) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const own = { parent: place, name };
    if (field) return fitNode(field, child, own, tell);
    const message = `unknown field ${quote(name)}`;
    tell(own, { kind: 'unknown-field', message }, { insteadOf: name, among: Object.keys(fields) });
    return undefined;
  });
}

function fitMap(values: SchemaNode, value: JsonObject, place: Place, tell: Tell): unknown {
  return fitEntries(value, (key, child) => fitNode(values, child, { parent: place, name: key }, tell));
}

function fitEntries(value: JsonObject, fitEntry: (key: string, child: unknown) => unknown): unknown {
  const keys = Object.keys(value);
  const fitted = keys.map((key) => fitEntry(key, value[key]));
  if (keys.every((key, index) => fitted[index] === value[key])) return value;
  const kept = keys.map((key, index) => [key, fitted[index]] as const).filter(([, child]) => child !== undefined);
  return Object.fromEntries(kept); // defines own properties, so a key __proto__ does no harm
}

function fitArray(items: SchemaNode, value: readonly unknown[], place: Place, tell: Tell): unknown {
  let isChanged = false;
  const kept: unknown[] = [];
  for (const [index, item] of value.entries()) {
    const own = { parent: place, name: index };
    const fitted = item === null ? wrongType(items, item, own, tell) : fitNode(items, item, own, tell);
    if (fitted !== item) isChanged = true;
    if (fitted !== undefined) kept.push(fitted);
  }
  return isChanged ? kept : value;
}

function fitString(allowed: readonly string[] | undefined, value: string, place: Place, tell: Tell): unknown {
  if (!allowed || allowed.includes(value)) return value;
  const message = `${quote(value)} is none of ${allowed.map(quote).join(', ')}`;
  tell(place, { kind: 'wrong-enum', message }, { insteadOf: value, among: allowed });
  return undefined;
}

function wrongType(node: SchemaNode, value: unknown, place: Place, tell: Tell): undefined {
  tell(place, { kind: 'wrong-type', message: `${nameOfValue(value)} where ${nameOfType[node.t]} belongs` });
}

const nameOfType: Readonly<Record<SchemaNode['t'], string>> = {
  object: 'an object',
  map: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'a boolean',
  'int-or-string': 'an integer or a string',
  any: 'a value',
};

function nameOfValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${quote(String(value))}`;
}

function isScalar(type: 'integer' | 'number' | 'boolean' | 'any' | 'int-or-string', value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
    case 'boolean':
      return typeof value === type;
    case 'int-or-string':
      return typeof value === 'string' || Number.isInteger(value);
    case 'any':
      return true;
  }
}

function quote(text: string): string {
  return text.length <= maxQuotedLength ? `'${text}'` : `'${text.slice(0, maxQuotedLength)}…'`;
}

function pathOf({ parent, name }: Place): string {
  if (parent === undefined) return String(name);
  if (typeof name === 'number') return `${pathOf(parent)}[${name}]`;
  return /^[A-Za-z_]\w*$/.test(name) ? `${pathOf(parent)}.${name}` : `${pathOf(parent)}['${name}']`;
}
