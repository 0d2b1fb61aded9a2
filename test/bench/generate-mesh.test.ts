import { describe, expect, it } from 'vitest';
import { changeOf, localChanges, worstChanges } from '../../bench/changes.ts';
import { guardMesh } from '../../bench/decisions.ts';
import { generateMesh, type MeshSize } from '../../bench/generate-mesh.ts';

/*
 * Figures about a mesh in which something is wrong, or about changes that are refused by mistake, would say nothing of the usual case.
 */

const sizes: Readonly<Record<string, MeshSize>> = {
  'without Sidecars': { hosts: 40, namespaces: 30, hasSidecars: false },
  'with a Sidecar in each namespace': { hosts: 40, namespaces: 30, hasSidecars: true },
};

describe.each(Object.entries(sizes))('a generated mesh %s', (_, size) => {
  const { mesh, guard } = guardMesh(size);

  it('has no error, and every path leads through the gateway', () => {
    expect(guard.check().filter(({ severity }) => severity === 'error')).toEqual([]);
    const paths = guard.access();
    expect(paths).toHaveLength(size.hosts * size.namespaces);
    const denied = paths.filter(({ outcome }) => outcome === 'denied');
    expect(denied.length).toBeGreaterThan(0); // by the policies
    expect(paths.filter(({ outcome }) => outcome !== 'allowed' && outcome !== 'denied')).toEqual([]);
  });

  it('is the same each time', () => {
    expect(generateMesh(size)).toEqual(mesh);
  });

  it('admits local changes that break nothing', () => {
    const changes = localChanges(mesh, 1);
    for (let count = 0; count < 300; count++) {
      const change = changeOf(changes.next().value);
      if (change.operation !== 'DELETE') expect(guard.decide(change)).toMatchObject({ allowed: true, denials: [] });
    }
  });
});

const transitions: ReadonlySet<string> = new Set(['door', 'interruption', 'access change']);

it('the worst changes are what they are called', () => {
  const { mesh, guard } = guardMesh({ hosts: 40, namespaces: 30, hasSidecars: false });
  const decisions = [...worstChanges].map(([name, make]) => {
    const { allowed, rules } = guard.decide(changeOf(make(mesh, 0)));
    return [name, allowed, ...rules.filter((rule) => transitions.has(rule))];
  });
  expect(decisions).toEqual([
    ['policy for all hosts', true, 'access change'],
    ['Gateway', true],
    ['Sidecar', true],
    ['Sidecar that imports nothing', false, 'door'],
    ['Namespace label', true],
    ['DestinationRule for *.local in a client namespace', false, 'interruption'],
  ]);
});
