import { InputError } from '../../input-error.ts';
import type { ApiServer } from './api-server.ts';
import { inClusterServer } from './in-cluster.ts';
import { type KubeconfigChoice, type KubeconfigPlaces, kubeconfigFiles, kubeconfigServer } from './kubeconfig.ts';

/**
 * Finds the API server as kubectl does: by the kubeconfig that is named, by `KUBECONFIG`, by `~/.kube/config`, else as a pod by its
 * service account. Throws an InputError where there is neither.
 */
export async function findApiServer(choice: KubeconfigChoice, places: KubeconfigPlaces): Promise<ApiServer> {
  const files = kubeconfigFiles(choice, places);
  if (files.length > 0) return kubeconfigServer(files, choice.context);
  if (choice.context !== undefined) throw new InputError('--context needs a kubeconfig; name one with --kubeconfig');
  const server = inClusterServer(places);
  if (server) return server;
  throw new InputError(
    'no cluster is known: there is no kubeconfig, and no service account of a pod; name one with --kubeconfig, or the mesh with --files',
  );
}
