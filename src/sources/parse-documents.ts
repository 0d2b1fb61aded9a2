import { Composer, type Document, Parser } from 'yaml';
import { InputError } from '../input-error.ts';
import { lineOf } from '../yaml/line-of.ts';
import { yamlOptions } from '../yaml/yaml-options.ts';
import { mayHoldPlaceholders } from './placeholders.ts';

/** One document of a YAML or JSON text. */
export interface ParsedDocument {
  /** Where it begins: characters from the start of the text. */
  readonly offset: number;
  /** Plain JSON; undefined where placeholders of a template keep the document from being YAML. */
  readonly value: unknown;
}

/**
 * An alias may be followed this often in one document: enough for any manifest, and a bound for documents that
 * multiply a few anchors into gigabytes.
 */
const maxAliasCount = 1_000;

/**
 * Parses a text document by document. Throws an InputError with file and line for the first document that is not YAML, unless it holds
 * placeholders of a template.
 */
export function parseDocuments(text: string, file: string): Iterable<ParsedDocument> {
  return parseJson(text) ?? parseYaml(text, file);
}

/** A JSON text parses many times faster as JSON, as kubectl parses it; undefined for every other text. */
function parseJson(text: string): readonly ParsedDocument[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return [{ offset: 0, value: JSON.parse(text) }];
  } catch {
    return undefined; // then it is YAML, or the YAML parser says what is wrong with it
  }
}

function* parseYaml(text: string, file: string): Generator<ParsedDocument> {
  for (const document of compose(text, file)) {
    const offset = document.range?.[0] ?? 0;
    yield { offset, value: toValue(document, offset, text, file) };
  }
}

function* compose(text: string, file: string): Generator<Document> {
  try {
    yield* new Composer(yamlOptions).compose(new Parser().parse(text));
  } catch (cause) {
    if (cause instanceof RangeError) throw new InputError('is nested too deeply; split it up', { file }, { cause });
    throw cause;
  }
}

function toValue(document: Document, offset: number, text: string, file: string): unknown {
  const [error] = document.errors;
  if (error) {
    if (mayHoldPlaceholders(documentText(text, offset))) return undefined;
    throw new InputError(
      `is not YAML: ${lowerFirst(error.message)}; mend it there`,
      { file, ...lineOf(text, error.pos[0]) },
      { cause: error },
    );
  }
  try {
    return document.toJS({ maxAliasCount });
  } catch (cause) {
    // The library throws for what only following aliases and merge keys brings to light; endless nesting exhausts the stack.
    if (!(cause instanceof Error)) throw cause;
    throw new InputError(
      `is not usable YAML: ${lowerFirst(cause.message)}; write it out`,
      { file, ...lineOf(text, offset) },
      { cause },
    );
  }
}

function documentText(text: string, offset: number): string {
  const length = text.slice(offset + 3).search(/^---(?=\s|$)/m);
  return length < 0 ? text.slice(offset) : text.slice(offset, offset + 3 + length);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
