import { existsSync, readFileSync } from 'node:fs';
import { Agent, type RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';

/** Where the kubelet mounts what a pod is let in with. */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet exchanges the token long before it expires; client-go reads it this often, in milliseconds. */
const tokenLifeMs = 60_000;

/** What tells a pod of its cluster. */
export interface PodEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: where the kubelet mounts it. */
  readonly folder?: string;
  /** Milliseconds on any clock; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * The API server of the cluster that this process runs in as a pod; undefined outside of pods. The client library would do the same for
 * 35 MB of memory, and could not read a token before its minute is over.
 */
export function inClusterServer({
  env,
  folder = serviceAccountFolder,
  now = () => performance.now(),
}: PodEnvironment): ApiServer | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  const tokenFile = join(folder, 'token');
  if (!host || !port || !existsSync(tokenFile)) return undefined;
  const agent = new Agent({ keepAlive: true, ca: readFileSync(join(folder, 'ca.crt')) });
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: readText(join(folder, 'namespace')),
    authorize: async (isRefused): Promise<RequestOptions> => {
      if (isRefused || now() - readAt >= tokenLifeMs) {
        token = readFileSync(tokenFile, 'utf8').trim();
        readAt = now();
      }
      return { agent, headers: { authorization: `Bearer ${token}` } };
    },
  };
}

function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}
