import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import type { FieldRef, ResourceRef } from '../istio/resources.ts';
import { idOf } from '../istio/resources.ts';
import type { Origin } from '../report/origin.ts';
import { type FieldStep, parseFieldPath } from '../yaml/field-path.ts';
import { offsetOf } from '../yaml/offset-of.ts';

/** Where a resource is written: a document of a file, and the path below it. */
export interface ResourcePlace {
  readonly file: string;
  /** Characters from the start of the file to the document. */
  readonly offset: number;
  readonly path: readonly FieldStep[];
}

interface ParsedText {
  readonly documents: readonly Document[];
  readonly counter: LineCounter;
}

/**
 * Finds the lines of resources and fields. Parsing keeps no positions; a file is parsed a second time when the first of its lines is
 * asked for.
 */
export class Origins {
  readonly #places: ReadonlyMap<string, ResourcePlace>;
  readonly #texts: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, ParsedText>();
  readonly #lines = new Map<string, readonly string[]>();

  /** `places` by `idOf`, `texts` by file. */
  constructor(places: ReadonlyMap<string, ResourcePlace>, texts: ReadonlyMap<string, string>) {
    this.#places = places;
    this.#texts = texts;
  }

  /** The same, and one thing more that a file of its own holds. */
  withFile(ref: ResourceRef, file: string, text: string): Origins {
    const places = new Map([...this.#places, [idOf(ref), { file, offset: 0, path: [] }]]);
    return new Origins(places, new Map([...this.#texts, [file, text]]));
  }

  /** Where a resource is written; undefined for one that no file holds. */
  placeOf(ref: ResourceRef): ResourcePlace | undefined {
    return this.#places.get(idOf(ref));
  }

  /** Where a field is written, or the nearest field around it that is; undefined for a resource that no file holds. */
  readonly locate = (at: FieldRef): Origin | undefined => {
    const place = this.#places.get(idOf(at));
    const parsed = place && this.#parse(place.file);
    const document = place && parsed?.documents.find(({ range }) => range && range[2] > place.offset);
    if (!place || !parsed || !document) return undefined;
    const offset = offsetOf(document, [...place.path, ...parseFieldPath(at.field)]);
    const { line, col } = parsed.counter.linePos(offset);
    return { file: place.file, line, column: col };
  };

  /** The text of a line, counted from 1. */
  readonly readLine = (file: string, line: number): string | undefined => {
    const lines = this.#lines.get(file) ?? this.#texts.get(file)?.split(/\r?\n/);
    if (lines) this.#lines.set(file, lines);
    return lines?.[line - 1];
  };

  #parse(file: string): ParsedText {
    const known = this.#parsed.get(file);
    if (known) return known;
    const counter = new LineCounter();
    // Without `merge`, a key `<<` is left as it is written.
    const parsed = parseAllDocuments(this.#texts.get(file) ?? '', { lineCounter: counter, logLevel: 'silent' });
    const result = { documents: [...parsed], counter };
    this.#parsed.set(file, result);
    return result;
  }
}
