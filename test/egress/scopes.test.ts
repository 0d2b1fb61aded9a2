import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientExpander, clientScopes } from '../../src/egress/access.ts';
import { hostPaths } from '../../src/egress/host-paths.ts';
import { toModelObjects } from '../../src/mesh/generated-objects.ts';
import { buildMesh, meshConfigOf } from '../../src/mesh/model.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';

const folder = join(import.meta.dirname, '../bundles');

/** The outcome of each class of clients of the external host, and the namespaces in it. */
function classesWith(...sidecars: readonly string[]): readonly string[] {
  const files = ['mesh', 'http-origination'].map((name) =>
    parseFile(name, readFileSync(join(folder, `${name}.yaml`), 'utf8')),
  );
  const { resources } = readInput([...files, ...sidecars.map((text) => parseFile('sidecar.yaml', text))]);
  const config = meshConfigOf(resources, { namespace: 'istio-system', revision: '', overrides: {} });
  const inventory = { egressGateways: [], clients: [], externalNamespaces: [], directHosts: [] };
  const mesh = buildMesh(toModelObjects(resources, config), { config, inventory }, [hostPaths]);
  const expand = clientExpander(clientScopes(mesh));
  const [target] = mesh.value(hostPaths, 'api.example.com');
  return (target?.classes ?? []).map(({ clients, path }) => {
    const namespaces = expand(clients).map(({ namespace }) => namespace);
    return `${path.outcome}: ${namespaces.join(', ')}`;
  });
}

function sidecarOf(namespace: string, hosts: string): string {
  return `
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: { namespace: ${namespace}, name: default }
    spec: { egress: [{ hosts: ${hosts} }] }
  `;
}

describe('the clients of a Sidecar scope', () => {
  it('are of the class of the mesh where the scope changes nothing about the path', () => {
    const without = classesWith();
    expect(without).toEqual(['allowed: team-a', 'denied: team-b']); // a policy denies team-b
    const different = [sidecarOf('team-a', '["*/*"]'), sidecarOf('team-b', '["istio-egress/*", "istio-system/*"]')];
    expect(classesWith(...different)).toEqual(without);
  });

  it('are a class of their own where it does', () => {
    expect(classesWith(sidecarOf('team-a', '["./*"]'))).toEqual(['allowed: ', 'denied: team-b', 'direct: team-a']);
  });
});
