import { isDeepStrictEqual } from 'node:util';
import { idOf, type Resource, refOf } from '../istio/resources.ts';

/** What became of one resource between two readings. */
export type ResourceChange =
  | { readonly operation: 'CREATE'; readonly object: Resource }
  | { readonly operation: 'UPDATE'; readonly object: Resource; readonly oldObject: Resource }
  | { readonly operation: 'DELETE'; readonly oldObject: Resource };

/**
 * The changes that lead from one set of resources to another: what is new or different in the order of `after`, then what is gone, last
 * first. A resource that stays keeps its age; a new one without a creation time is younger than all before it.
 */
export function diffResources(before: Iterable<Resource>, after: Iterable<Resource>): ResourceChange[] {
  const gone = new Map<string, Resource>();
  for (const resource of before) gone.set(idOf(refOf(resource)), resource);
  let place = 1 + Math.max(-1, ...Iterator.from(gone.values()).map((resource) => resource.metadata.place));
  const changes: ResourceChange[] = [];
  for (const resource of after) {
    const id = idOf(refOf(resource));
    const oldObject = gone.get(id);
    gone.delete(id);
    if (!oldObject) changes.push({ operation: 'CREATE', object: withMetadata(resource, { place: place++ }) });
    else if (!isSameContent(oldObject, resource))
      changes.push({ operation: 'UPDATE', object: withAgeOf(oldObject, resource), oldObject });
  }
  for (const oldObject of [...gone.values()].reverse()) changes.push({ operation: 'DELETE', oldObject });
  return changes;
}

/** True for two states of a resource that say the same, whatever their versions and ages. */
export function isSameContent(a: Resource, b: Resource): boolean {
  return (
    isDeepStrictEqual(a.spec, b.spec) &&
    isDeepStrictEqual(a.metadata.labels, b.metadata.labels) &&
    isDeepStrictEqual(a.metadata.annotations, b.metadata.annotations)
  );
}

/** A resource with the age of another: applying an object again does not make it younger. */
export function withAgeOf(aged: Resource, resource: Resource): Resource {
  return withMetadata(resource, { created: aged.metadata.created, place: aged.metadata.place });
}

function withMetadata(resource: Resource, metadata: Partial<Resource['metadata']>): Resource {
  return Object.assign({}, resource, { metadata: { ...resource.metadata, ...metadata } }); // a spread would lose which kind has which spec
}
