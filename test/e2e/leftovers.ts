import { ownField, ownList, ownText } from '../../src/istio/json-object.ts';
import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';

/**
 * What is there, of any kind, that name, namespace, labels, annotations or field managers show to be of the release: `Kind/name`. Without
 * the namespace, which `helm uninstall` never takes, and without Events, which expire within the hour.
 */
export async function leftoversOf({ kubectl }: ControlPlane, releaseName: string): Promise<readonly string[]> {
  const kinds = succeeded(await kubectl(['api-resources', '--verbs=list', '--output', 'name']))
    .trim()
    .split('\n');
  const looked = kinds.filter((kind) => !kind.startsWith('events') && kind !== 'namespaces');
  const list: unknown = JSON.parse(
    succeeded(await kubectl(['get', looked.join(), '--all-namespaces', '--show-managed-fields', '--output', 'json'])),
  );
  return ownList(list, 'items')
    .filter((object) => JSON.stringify(ownField(object, 'metadata')).includes(releaseName))
    .map(nameOf);
}

function nameOf(object: unknown): string {
  return `${ownText(object, 'kind')}/${ownText(ownField(object, 'metadata'), 'name')}`;
}
