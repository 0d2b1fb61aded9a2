import { expect, test } from 'vitest';
import { idOf, type Resource, refOf } from '../../src/istio/resources.ts';
import { diffResources, type ResourceChange } from '../../src/sources/diff-resources.ts';
import { fc } from '../fast-check.ts';

function entry(name: string, host = 'a', metadata: Partial<Resource['metadata']> = {}): Resource {
  const plain = { name, namespace: 'ns', labels: {}, annotations: {}, created: Number.NEGATIVE_INFINITY, place: 0 };
  return { kind: 'ServiceEntry', metadata: { ...plain, ...metadata }, spec: { hosts: [host] } };
}

function summary(changes: readonly ResourceChange[]): string[] {
  return changes.map((change) => {
    const { metadata } = change.operation === 'DELETE' ? change.oldObject : change.object;
    return `${change.operation} ${metadata.name} @${metadata.place}`;
  });
}

test('equal resources are no change, wherever they stand', () => {
  expect(
    diffResources([entry('a'), entry('b')], [entry('b', 'a', { place: 5 }), entry('a', 'a', { place: 6 })]),
  ).toEqual([]);
});

test('labels and annotations count, resource versions do not', () => {
  expect(summary(diffResources([entry('a')], [entry('a', 'a', { labels: { x: 'y' } })]))).toEqual(['UPDATE a @0']);
  expect(summary(diffResources([entry('a')], [entry('a', 'a', { annotations: { x: 'y' } })]))).toEqual(['UPDATE a @0']);
  expect(diffResources([entry('a')], [entry('a', 'a', { resourceVersion: '7' })])).toEqual([]);
});

test('new and changed resources come in their order, then the gone ones, last first', () => {
  const before = [entry('gone1'), entry('kept', 'a', { place: 3 }), entry('gone2')];
  const after = [entry('new1'), entry('kept', 'b', { place: 0 }), entry('new2')];
  expect(summary(diffResources(before, after))).toEqual([
    'CREATE new1 @4',
    'UPDATE kept @3',
    'CREATE new2 @5',
    'DELETE gone2 @0',
    'DELETE gone1 @0',
  ]);
});

test('a resource that stays keeps its creation time', () => {
  const [change] = diffResources([entry('a', 'a', { created: 1000 })], [entry('a', 'b')]);
  expect(change).toMatchObject({
    operation: 'UPDATE',
    object: { metadata: { created: 1000 }, spec: { hosts: ['b'] } },
  });
});

test('applying the changes leads from any state to any other', () => {
  const state = fc.uniqueArray(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), host: fc.constantFrom('x', 'y') }),
    { selector: (item) => item.name },
  );
  fc.assert(
    fc.property(state, state, (before, after) => {
      const resources = new Map<string, string>(before.map((item) => [idOf(refOf(entry(item.name))), item.host]));
      for (const change of diffResources(
        before.map((item) => entry(item.name, item.host)),
        after.map((item) => entry(item.name, item.host)),
      )) {
        if (change.operation === 'DELETE') resources.delete(idOf(refOf(change.oldObject)));
        else if (change.object.kind === 'ServiceEntry')
          resources.set(idOf(refOf(change.object)), change.object.spec.hosts?.[0] ?? '');
      }
      expect(resources).toEqual(new Map(after.map((item) => [idOf(refOf(entry(item.name))), item.host])));
    }),
  );
});
