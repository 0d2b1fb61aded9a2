import { displayPlace, InputError } from '../input-error.ts';
import type { Departures, SchemaProblem } from '../istio/conform.ts';
import { ownText } from '../istio/json-object.ts';
import { type ReadResource, readResource } from '../istio/read-resource.ts';
import { displayRef, idOf, type Resource, refOf } from '../istio/resources.ts';
import { lineOf } from '../yaml/line-of.ts';
import { withAgeOf } from './diff-resources.ts';
import { isMeshConfigMap, readMeshConfigMap } from './mesh-config-map.ts';
import { Origins, type ResourcePlace } from './origins.ts';
import type { FileObject, ParsedFile } from './parse-file.ts';
import { hasPlaceholder } from './placeholders.ts';

/** Everything that was read out of files. */
export interface Input {
  /** In the order of the input; of several with one identity, the last in the place of the first. */
  readonly resources: readonly Resource[];
  /** What no API server would have let through. */
  readonly departures: readonly Departures[];
  /** What was left out, one sentence each. */
  readonly notes: readonly string[];
  readonly origins: Origins;
}

/** API groups whose other kinds are worth a note: they may change what the model says. */
const meshGroup = /^(networking|security|extensions|telemetry)\.istio\.io\/|^gateway\.networking\./;

/** So many examples follow a count. */
const maxExamples = 3;

/** Reads the resources of parsed files. Throws an InputError where a resource of a known kind has no name. */
export function readInput(files: Iterable<ParsedFile>): Input {
  const collected = new Collection();
  for (const file of files) collected.add(file);
  return collected.finish();
}

/** What is known while files are read. */
class Collection {
  readonly #resources = new Map<string, Resource>();
  readonly #departures = new Map<string, Departures>();
  readonly #places = new Map<string, ResourcePlace>();
  readonly #texts = new Map<string, string>();
  readonly #duplicates = new Map<string, string>();
  readonly #templates: string[] = [];
  readonly #unknown = new Map<string, number>();
  #place = 0;

  add(file: ParsedFile): void {
    this.#texts.set(file.file, file.text);
    for (const offset of file.templates) this.#templates.push(placeOf(file, offset));
    for (const object of file.objects) this.#addObject(object, file);
  }

  #addObject(object: FileObject, file: ParsedFile): void {
    const read = readAny(object.value, this.#place);
    if ('ignored' in read) {
      if (meshGroup.test(ownText(object.value, 'apiVersion') ?? ''))
        this.#unknown.set(read.ignored, (this.#unknown.get(read.ignored) ?? 0) + 1);
    } else if (file.mayHoldPlaceholders && hasPlaceholder(object.value)) {
      this.#templates.push(placeOf(file, object.offset));
    } else if ('error' in read) {
      throw new InputError(`${read.error}; mend it there`, { file: file.file, ...lineOf(file.text, object.offset) });
    } else {
      this.#keep(read.resource, read.problems, { file: file.file, offset: object.offset, path: object.path });
    }
  }

  #keep(resource: Resource, problems: readonly SchemaProblem[], place: ResourcePlace): void {
    const ref = refOf(resource);
    const id = idOf(ref);
    const first = this.#resources.get(id);
    const earlier = this.#places.get(id);
    if (earlier) this.#duplicates.set(id, `${displayRef(ref)} (${this.#lineOf(earlier)}, ${this.#lineOf(place)})`);
    this.#resources.set(id, first ? withAgeOf(first, resource) : resource);
    this.#places.set(id, place);
    if (problems.length > 0) this.#departures.set(id, { resource: ref, problems });
    else this.#departures.delete(id); // those of an earlier definition
    this.#place++;
  }

  #lineOf({ file, offset }: ResourcePlace): string {
    return placeOf({ file, text: this.#texts.get(file) ?? '' }, offset);
  }

  finish(): Input {
    return {
      resources: [...this.#resources.values()],
      departures: [...this.#departures.values()],
      notes: [...this.#notes()],
      origins: new Origins(this.#places, this.#texts),
    };
  }

  *#notes(): Generator<string> {
    if (this.#templates.length > 0) yield `skipped because of template placeholders: ${withExamples(this.#templates)}`;
    if (this.#duplicates.size > 0)
      yield `defined more than once, the last definition counts: ${withExamples([...this.#duplicates.values()])}`;
    for (const [what, count] of this.#unknown) yield count === 1 ? what : `${what} (${count} resources)`;
  }
}

function placeOf({ file, text }: Pick<ParsedFile, 'file' | 'text'>, offset: number): string {
  return displayPlace({ file, line: lineOf(text, offset).line });
}

function readAny(value: FileObject['value'], place: number): ReadResource {
  return isMeshConfigMap(value) ? readMeshConfigMap(value, place) : readResource(value, place);
}

function withExamples(items: readonly string[]): string {
  const shown = items.slice(0, maxExamples).join(', ');
  return items.length > maxExamples ? `${shown} and ${items.length - maxExamples} more` : shown;
}
