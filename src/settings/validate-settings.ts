import { closestName } from '../istio/closest-name.ts';
import { isJsonObject, type JsonObject } from '../istio/json-object.ts';
import type { FieldStep } from '../yaml/field-path.ts';
import type { ListNode, MapNode, SettingsNode, TextNode } from './settings-schema.ts';

/** One thing that is wrong with a settings file. */
export interface SettingsProblem {
  readonly path: readonly FieldStep[];
  /** What is wrong; after a semicolon, how to mend it. */
  readonly message: string;
}

/** Longer enumerations are not printed; only rule names are so many. */
const maxListed = 8;

type Path = readonly FieldStep[];

/**
 * Tells everything in which a value departs from the schema. Written out, because compiling the one small schema with a library would take
 * longer than all else that a start does. `null` counts as absent.
 */
export function* validateSettings(node: SettingsNode, value: unknown, path: Path = []): Generator<SettingsProblem> {
  if (value === null || value === undefined) return;
  if ('anyOf' in node) {
    yield* validateSettings(node.anyOf[Array.isArray(value) ? 1 : 0], value, path);
    return;
  }
  switch (node.type) {
    case 'object':
      if (isJsonObject(value)) yield* validateObject(node, value, path);
      else yield wrongType(value, 'a map', path);
      return;
    case 'array':
      if (Array.isArray(value)) yield* validateList(node, value, path);
      else yield wrongType(value, 'a list', path);
      return;
    case 'string':
      if (typeof value === 'string') yield* validateText(node, value, path);
      else yield wrongType(value, 'text', path);
  }
}

function* validateObject(node: MapNode, value: JsonObject, path: Path): Generator<SettingsProblem> {
  for (const name of node.required ?? []) {
    if (!Object.hasOwn(value, name) || value[name] === null)
      yield { path, message: `field '${name}' is missing${inside(path)}; add it` };
  }
  const count = Object.keys(value).length;
  if (count < (node.minProperties ?? 0)) yield { path, message: `${nameOf(path)} is empty; fill it in` };
  for (const [name, child] of Object.entries(value)) yield* validateField(node, name, child, path);
}

function* validateField(node: MapNode, name: string, value: unknown, parent: Path): Generator<SettingsProblem> {
  const path = [...parent, name];
  const known = node.properties && Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
  if (known) {
    yield* validateSettings(known, value, path);
  } else if (node.additionalProperties === false) {
    yield { path, message: unknown('field', name, Object.keys(node.properties ?? {})) };
  } else if (node.propertyNames && !node.propertyNames.enum.includes(name)) {
    yield { path, message: unknown('rule', name, node.propertyNames.enum) };
  } else if (node.additionalProperties !== true) {
    if (value === null) yield wrongType(value, 'text', path);
    yield* validateSettings(node.additionalProperties, value, path);
  }
}

function* validateList(node: ListNode, value: readonly unknown[], path: Path): Generator<SettingsProblem> {
  if (value.length < (node.minItems ?? 0)) yield { path, message: `${nameOf(path)} is empty; fill it in` };
  for (const [index, item] of value.entries()) {
    if (item === null)
      yield { path: [...path, index], message: `an item of ${nameOf(path)} is empty; fill it in or remove it` };
    yield* validateSettings(node.items, item, [...path, index]);
  }
}

function* validateText(node: TextNode, value: string, path: Path): Generator<SettingsProblem> {
  if (value.length < (node.minLength ?? 0)) yield { path, message: `${nameOf(path)} is empty; fill it in` };
  if (node.enum && !node.enum.includes(value)) yield { path, message: noneOf(value, node.enum) };
  if (node.format === 'date' && !isDate(value))
    yield { path, message: `'${value}' is no date; write it as 2027-03-31` };
}

function isDate(value: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && new Date(`${value}T00:00:00Z`).toJSON()?.startsWith(value) === true;
}

function unknown(what: 'field' | 'rule', name: string, candidates: readonly string[]): string {
  const meant = closestName(name, candidates);
  if (meant !== undefined) return `unknown ${what} '${name}'; did you mean '${meant}'?`;
  const help = what === 'rule' ? '`egress-guard rules` lists them all' : `known are ${candidates.join(', ')}`;
  return `unknown ${what} '${name}'; ${help}`;
}

function noneOf(value: string, candidates: readonly string[]): string {
  if (candidates.length > maxListed) return unknown('rule', value, candidates);
  const meant = closestName(value, candidates);
  const list = candidates.map((candidate) => `'${candidate}'`).join(', ');
  return `'${value}' is none of ${list}; ${meant === undefined ? 'choose one' : `did you mean '${meant}'?`}`;
}

function wrongType(value: unknown, wanted: string, path: Path): SettingsProblem {
  const is =
    value === null
      ? 'empty'
      : Array.isArray(value)
        ? 'a list'
        : isJsonObject(value)
          ? 'a map'
          : `the ${typeof value} ${String(value)}`;
  return { path, message: `${nameOf(path)} is ${is}; write ${wanted}` };
}

function inside(path: Path): string {
  return path.length === 0 ? '' : ` in ${nameOf(path)}`;
}

function nameOf(path: Path): string {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return path.length === 0 ? 'the file' : `'${name.replace(/^\./, '')}'`;
}
