import { dequal } from 'dequal';
import { isJsonObject, type JsonObject, ownField, ownText } from '../istio/json-object.ts';
import type { FieldStep } from '../yaml/field-path.ts';
import { parseDocuments } from './parse-documents.ts';
import { mayHoldPlaceholders } from './placeholders.ts';

type FieldPath = readonly FieldStep[];

/** One object of a file, as JSON holds it, and where it stands. */
export interface FileObject {
  readonly value: JsonObject;
  /** Characters from the start of the file to its document. */
  readonly offset: number;
  /** Path below the document: `['items', 3]` inside a List; empty for the document itself. */
  readonly path: FieldPath;
}

/** A file with its text and what was found in it. */
export interface ParsedFile {
  readonly file: string;
  readonly text: string;
  readonly objects: readonly FileObject[];
  /** Offsets of documents that are no YAML because of placeholders. */
  readonly templates: readonly number[];
  /** True when objects may hold placeholders of a template. */
  readonly mayHoldPlaceholders: boolean;
}

const wholeDocument: FieldPath = [];

/** Parses a file and lays out Lists (`kind: List`, `VirtualServiceList`). Throws an InputError where it is not YAML. */
export function parseFile(file: string, text: string): ParsedFile {
  const objects: FileObject[] = [];
  const templates: number[] = [];
  for (const { offset, value } of parseDocuments(text, file)) {
    if (value === undefined) templates.push(offset);
    else
      for (const { value: object, path } of layOut(value, wholeDocument)) objects.push({ value: object, offset, path });
  }
  return { file, text, objects, templates, mayHoldPlaceholders: mayHoldPlaceholders(text) };
}

/**
 * The same for a file whose objects are kept: as JSON would have them, wherever JSON has words for them (for `.inf` it has none). The lists
 * that the library builds have room for more entries, and its strings hold on to the text.
 */
export function parseKeptFile(file: string, text: string): ParsedFile {
  const parsed = parseFile(file, text);
  if (text.includes('&')) return parsed; // by anchors values may share parts without bounds, or contain themselves
  return { ...parsed, objects: parsed.objects.map((object) => ({ ...object, value: copied(object.value) })) };
}

function copied(value: JsonObject): JsonObject {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  return isJsonObject(copy) && dequal(copy, value) ? copy : value;
}

function* layOut(
  value: unknown,
  path: FieldPath,
  around: readonly unknown[] = [],
): Generator<{ value: JsonObject; path: FieldPath }> {
  if (!isJsonObject(value)) return;
  const items = ownField(value, 'items');
  const kind = ownText(value, 'kind');
  if (!kind?.endsWith('List') || !Array.isArray(items)) {
    yield { value, path };
    return;
  }
  if (around.includes(items)) return; // an alias may make a list contain itself
  for (const [index, item] of items.entries()) {
    yield* layOut(withType(item, value, kind), [...path, 'items', index], [...around, items]);
  }
}

/** The items of a typed list need not repeat their type. */
function withType(item: unknown, list: JsonObject, listKind: string): unknown {
  if (listKind === 'List' || !isJsonObject(item) || ownField(item, 'kind') !== undefined) return item;
  return { ...item, apiVersion: ownField(list, 'apiVersion'), kind: listKind.slice(0, -'List'.length) };
}
