import { isJsonObject, type JsonObject, ownField, ownText } from '../../istio/json-object.ts';
import type { ReadResource } from '../../istio/read-resource.ts';
import type { Resource } from '../../istio/resources.ts';
import { isSameContent, type ResourceChange } from '../diff-resources.ts';

/** Reads an object of one kind. */
export type ReadObject = (raw: JsonObject) => ReadResource;

/** One object of a list, or of an event. */
export interface Item {
  /** `namespace/name`, as the API server has them. */
  readonly key: string;
  /** The `resourceVersion` of the object. */
  readonly version: string;
  /** True while the object is being deleted. */
  readonly isTerminating: boolean;
  readonly read: ReadResource;
}

/** Reads an object; undefined for what has no metadata, and so is none. */
export function readItem(raw: unknown, read: ReadObject): Item | undefined {
  const metadata = ownField(raw, 'metadata');
  const name = ownText(metadata, 'name');
  if (!isJsonObject(raw) || name === undefined) return undefined;
  return {
    key: keyOf(ownText(metadata, 'namespace') ?? '', name),
    version: ownText(metadata, 'resourceVersion') ?? '',
    isTerminating: ownText(metadata, 'deletionTimestamp') !== undefined,
    read: read(raw),
  };
}

/** The key of an object. */
export function keyOf(namespace: string, name: string): string {
  return [namespace, name].join('/');
}

/** What is known of the objects of one kind, and how that differs from what was known before. */
export class ResourceStore {
  readonly #resources = new Map<string, Resource>();
  readonly #terminating = new Set<string>();

  /** All resources. */
  values(): Iterable<Resource> {
    return this.#resources.values();
  }

  keys(): Iterable<string> {
    return this.#resources.keys();
  }

  get(key: string): Resource | undefined {
    return this.#resources.get(key);
  }

  get size(): number {
    return this.#resources.size;
  }

  isTerminating(key: string): boolean {
    return this.#terminating.has(key);
  }

  /** True where something is known that is newer than a version. */
  isAheadOf(version: string): boolean {
    return this.#resources.values().some(({ metadata }) => isOlder(version, metadata.resourceVersion ?? ''));
  }

  /** True where what an event says of an object is older than what is known of it: a live read came before the watch. */
  isOutdated({ key, version }: Item): boolean {
    return isOlder(version, this.#resources.get(key)?.metadata.resourceVersion ?? '');
  }

  /**
   * Takes over an object. One that cannot be read leaves its last good state in force. An object that was deleted and made anew, unnoticed,
   * is told as both.
   */
  put(item: Item): readonly ResourceChange[] {
    const { key, read, isTerminating } = item;
    if ('ignored' in read) return this.remove(key);
    if ('error' in read) return [];
    if (isTerminating) this.#terminating.add(key);
    else this.#terminating.delete(key);
    const object = read.resource;
    const oldObject = this.#resources.get(key);
    this.#resources.set(key, oldObject ? withContentOf(oldObject, object) : object);
    if (!oldObject) return [{ operation: 'CREATE', object }];
    if (oldObject.metadata.created !== object.metadata.created)
      return [
        { operation: 'DELETE', oldObject },
        { operation: 'CREATE', object },
      ];
    return isSameContent(oldObject, object) ? [] : [{ operation: 'UPDATE', object, oldObject }];
  }

  remove(key: string): readonly ResourceChange[] {
    const oldObject = this.#resources.get(key);
    this.#resources.delete(key);
    this.#terminating.delete(key);
    return oldObject ? [{ operation: 'DELETE', oldObject }] : [];
  }

  /** Takes over a complete list. */
  replace(items: ReadonlyMap<string, Item>): readonly ResourceChange[] {
    const changes = [...items.values()].flatMap((item) => this.put(item));
    const gone = [...this.#resources.keys()].filter((key) => !items.has(key));
    return [...changes, ...gone.flatMap((key) => this.remove(key))];
  }

  /** How many objects of a complete list are not known as they are there, and how many are known that are not there. */
  countDifferences(items: ReadonlyMap<string, Item>): number {
    const gone = [...this.#resources.keys()].filter((key) => !items.has(key)).length;
    const different = [...items.values()].filter(
      ({ key, version, read }) => 'resource' in read && this.#resources.get(key)?.metadata.resourceVersion !== version,
    ).length;
    return gone + different;
  }
}

/**
 * True for a version that came before another. Versions of one kind are comparable numbers.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function isOlder(version: string, other: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(other)) return false;
  return version.length === other.length ? version < other : version.length < other.length;
}

/** The newer of two: where only its version is new, it shares the older one's content, which the mesh holds. */
function withContentOf(older: Resource, newer: Resource): Resource {
  const { resourceVersion } = newer.metadata;
  if (older.metadata.created !== newer.metadata.created || !isSameContent(older, newer)) return newer;
  const metadata = { ...older.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  return Object.assign({}, older, { metadata }); // a spread would lose which kind has which spec
}
