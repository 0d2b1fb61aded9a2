import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { Composer, type Document, Parser } from 'yaml';
import { InputError } from '../input-error.ts';
import { lineOf } from '../yaml/line-of.ts';
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

const options = {
  merge: true, // `<<`, which kubectl understands
  prettyErrors: false, // positions are computed only for the error that is told
  logLevel: 'silent', // the library would write to stderr about keys that are no text
} as const;

/**
 * Parses a text document by document. Throws an InputError with file and line for the first document that is not YAML, unless it holds
 * placeholders of a template.
 *
 * Two libraries share the work: js-yaml is eight times as fast, `yaml` goes on after an error, knows where it is, and bounds aliases.
 * Whatever the first one does not take is the second one's, so that the first decides nothing but the time it takes.
 */
export function parseDocuments(text: string, file: string): Iterable<ParsedDocument> {
  return parseJson(text) ?? parsePlainDocuments(text) ?? parseAnyDocuments(text, file);
}

/** A JSON text parses many times faster as JSON; undefined for every other text. */
function parseJson(text: string): readonly ParsedDocument[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return [{ offset: 0, value: JSON.parse(text) }];
  } catch {
    return undefined; // then it is YAML, or the YAML parser says what is wrong with it
  }
}

/** Documents without errors, anchors, merge keys, directives and document end markers; undefined for every other text. */
function parsePlainDocuments(text: string): readonly ParsedDocument[] | undefined {
  if (unusual.test(text)) return undefined;
  const documents: ParsedDocument[] = [];
  try {
    for (const { offset, part } of splitDocuments(text)) {
      const [value, ...rest] = loadAll(part, { schema: CORE_SCHEMA });
      if (rest.length > 0) return undefined;
      if (value !== undefined) documents.push({ offset, value });
    }
  } catch {
    return undefined; // the other parser says what is wrong
  }
  return documents;
}

const unusual = /(?:^|[\s[{,:-])&[^\s&]|<<|^%|^\.\.\.(?:\s|$)|^[ \t]+---(?:\s|$)|[|>][-+]?\d|^\uFEFF/m;

/** Splits at `---`, which stands at the start of a line for nothing else. */
function* splitDocuments(text: string): Generator<{ offset: number; part: string }> {
  let offset = 0;
  for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) {
    if (index > offset) yield { offset, part: text.slice(offset, index) };
    offset = index;
  }
  yield { offset, part: text.slice(offset) };
}

function* parseAnyDocuments(text: string, file: string): Generator<ParsedDocument> {
  for (const document of compose(text, file)) {
    const offset = document.range?.[0] ?? 0;
    yield { offset, value: toValue(document, offset, text, file) };
  }
}

function* compose(text: string, file: string): Generator<Document> {
  try {
    yield* new Composer(options).compose(new Parser().parse(text));
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
    if (!(cause instanceof Error) || !isDocumentError(cause)) throw cause;
    throw new InputError(
      `is not usable YAML: ${lowerFirst(cause.message)}; write it out`,
      { file, ...lineOf(text, offset) },
      { cause },
    );
  }
}

/** Aliases without anchor or without bounds are ReferenceErrors of the library; endless nesting exhausts the stack. */
function isDocumentError(error: Error): boolean {
  return error instanceof ReferenceError || error instanceof RangeError;
}

function documentText(text: string, offset: number): string {
  const length = text.slice(offset + 3).search(/^---(?=\s|$)/m);
  return length < 0 ? text.slice(offset) : text.slice(offset, offset + 3 + length);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
