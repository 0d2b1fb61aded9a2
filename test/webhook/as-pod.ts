import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The cluster that a process takes itself to run in. */
export interface PodCluster {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** PEM of its authority. */
  readonly ca: string;
  readonly token: string;
}

/**
 * Flags of Node.js for a process that runs as a pod does: what the kubelet would mount is in a folder, and there is no kubeconfig.
 */
export function asPod(folder: string, { url, ca, token }: PodCluster): readonly string[] {
  const mounted = join(folder, 'serviceaccount');
  mkdirSync(mounted, { recursive: true });
  for (const [name, text] of Object.entries({ token, 'ca.crt': ca, namespace: 'egress-guard' }))
    writeFileSync(join(mounted, name), text);
  const { hostname, port } = new URL(url);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, KUBECONFIG: '', HOME: folder };
  const preload = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    Object.assign(process.env, ${JSON.stringify(env)});
    const inPod = '/var/run/secrets/kubernetes.io/serviceaccount';
    for (const name of ['existsSync', 'readFileSync']) {
      const own = fs[name];
      const place = (path) => (typeof path === 'string' ? path.replace(inPod, ${JSON.stringify(mounted)}) : path);
      fs[name] = (path, ...rest) => own(place(path), ...rest);
    }
    syncBuiltinESMExports();`;
  return ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
}
