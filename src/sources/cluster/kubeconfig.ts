import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { delimiter, join, resolve } from 'node:path';
import { errorMessage } from '../../error-message.ts';
import { InputError } from '../../input-error.ts';
import type { ApiServer } from './api-server.ts';

/** Which kubeconfig, and what of it. */
export interface KubeconfigChoice {
  /** Outranks `KUBECONFIG`, which outranks `~/.kube/config`. */
  readonly file?: string;
  /** Default: the current one. */
  readonly context?: string;
}

/** Where kubeconfigs are looked up. */
export interface KubeconfigPlaces {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The kubeconfig files that count, in kubectl's order; none where there is no such file. */
export function kubeconfigFiles({ file }: KubeconfigChoice, { cwd, env }: KubeconfigPlaces): readonly string[] {
  if (file !== undefined) return [resolve(cwd, file)];
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((name) => name !== '');
  if (named.length > 0) return named.map((name) => resolve(cwd, name));
  const home = env['HOME'] ?? env['USERPROFILE'];
  const usual = home === undefined ? undefined : join(home, '.kube', 'config');
  return usual !== undefined && existsSync(usual) ? [usual] : [];
}

/**
 * The API server that a kubeconfig leads to, with every way of logging in that the client library knows. It is read again when it is
 * refused. Throws an InputError for one that cannot be read, or leads nowhere.
 */
export async function kubeconfigServer(files: readonly string[], context: string | undefined): Promise<ApiServer> {
  const { KubeConfig } = await import('@kubernetes/client-node'); // 35 MB that a pod does not need
  const load = (): InstanceType<typeof KubeConfig> => {
    const [first = '', ...others] = files;
    const config = new KubeConfig();
    config.loadFromFile(first);
    for (const file of others) {
      const other = new KubeConfig();
      other.loadFromFile(file);
      config.mergeConfig(other, true); // the first file says which context is current, as kubectl has it
    }
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  };
  let config = tryTo(files, load);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw nowhere(files, context ?? config.getCurrentContext());
  return {
    url: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    authorize: async (isRefused): Promise<RequestOptions> => {
      if (isRefused) config = load();
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
  };
}

function nowhere(files: readonly string[], context: string | undefined): InputError {
  const what = context ? `context '${context}' leads to no cluster` : 'no context is current';
  return new InputError(`${what}; name one with --context`, { file: files.join(delimiter) });
}

function tryTo<T>(files: readonly string[], load: () => T): T {
  try {
    return load();
  } catch (cause) {
    const [why] = errorMessage(cause).split('\n'); // a parser adds an excerpt
    throw new InputError(
      `cannot be used as kubeconfig: ${why}; mend it, or name another with --kubeconfig`,
      {
        file: files.join(delimiter),
      },
      { cause },
    );
  }
}
