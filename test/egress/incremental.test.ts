import { dequal } from 'dequal';
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/istio/resources.ts';
import type { Engine, Overlay } from '../../src/mesh/engine.ts';
import type { ModelObject } from '../../src/mesh/model-object.ts';
import { fc } from '../fast-check.ts';
import { contentsOf, type Event, LiveMesh, queries, rootsOf } from './live-mesh.ts';
import { meshes, type SomeMesh } from './meshes.ts';
import { moreResources } from './more-resources.ts';
import { patience, property } from './property.ts';

/*
 * A decision asks an overlay, and the webhook lives for months on a mesh that every watch event changes: both must say what
 * a mesh built from scratch would.
 */

/** A mesh, and what happens to it. */
const stories: fc.Arbitrary<readonly [SomeMesh, readonly Event[]]> = fc.constantFrom(...meshes).chain((mesh) => {
  const own = fc.constantFrom(...mesh.resources.filter(({ kind }) => kind !== 'MeshConfig'));
  const resource = fc.oneof(moreResources(mesh), fc.tuple(own, fc.boolean()).map(rejuvenated));
  const events = fc.array(fc.record({ resource, isDelete: fc.boolean() }), { minLength: 1, maxLength: 6 });
  return fc.tuple(fc.constant(mesh), events);
});

describe('a mesh that changes says what one built from scratch says', { timeout: patience }, () => {
  it('after every event', () => {
    property(stories, 120, ([mesh, events]) => {
      const live = new LiveMesh(mesh);
      for (const event of events) {
        live.apply([event]);
        expect(contentsOf(live.engine)).toEqual(contentsOf(live.fromScratch()));
      }
    });
  });

  it('after several events at once', () => {
    property(stories, 60, ([mesh, events]) => {
      const live = new LiveMesh(mesh);
      live.apply(events);
      expect(contentsOf(live.engine)).toEqual(contentsOf(live.fromScratch()));
    });
  });
});

describe('what is read again without a change', { timeout: patience }, () => {
  it.each(meshes.filter(({ name }, place) => place % 8 === 0 || name === 'gen-3-0117'))(
    'changes nothing: $name',
    (mesh) => {
      const live = new LiveMesh(mesh);
      const before = contentsOf(live.engine);
      live.apply(mesh.resources.map((resource) => ({ resource: structuredClone(resource), isDelete: false })));
      expect(contentsOf(live.engine)).toEqual(before);
    },
  );
});

describe('an overlay', { timeout: patience }, () => {
  it('says what the mesh would say after one event, or after several', () => {
    property(stories, 90, ([mesh, events]) => {
      const live = new LiveMesh(mesh);
      for (const some of [...events.map((event) => [event]), events]) {
        expectAgreement(live.engine, live.engine.with(live.changesOf(some)), live.after(some));
      }
    });
  });

  it('leaves the mesh as it is', () => {
    property(stories, 60, ([mesh, events]) => {
      const live = new LiveMesh(mesh);
      const before = contentsOf(live.engine);
      const overlay = live.engine.with(live.changesOf(events));
      for (const query of queries) for (const argument of rootsOf(query, live.engine)) overlay.value(query, argument);
      expect(contentsOf(live.engine)).toEqual(before);
      live.apply(events);
      expect(contentsOf(live.engine)).toEqual(contentsOf(live.fromScratch()));
    });
  });
});

/** The overlay has the values that `after` has, and tells of every one that is not as before. */
function expectAgreement(before: Engine<ModelObject>, overlay: Overlay<ModelObject>, after: Engine<ModelObject>): void {
  for (const query of queries) {
    const told = new Set([...overlay.changes(query)].map(({ argument }) => argument));
    for (const argument of rootsOf(query, before, after)) {
      const value = after.value(query, argument);
      expect(overlay.value(query, argument), `${query.name} of ${argument}`).toEqual(value);
      const isSame = dequal(before.value(query, argument), value);
      expect(isSame || told.has(argument), `the change of ${query.name} of ${argument} is told`).toBe(true);
    }
  }
}

/** The same resource, or the same as the youngest of all. */
function rejuvenated([resource, isYoungest]: readonly [Resource, boolean]): Resource {
  if (!isYoungest) return resource;
  return Object.assign({}, resource, { metadata: { ...resource.metadata, place: 1000 } });
}
