import type { RequestOptions } from 'node:https';

/** An API server, and how to be let in. */
export interface ApiServer {
  /** `https://host:port`, maybe with a path. */
  readonly url: string;
  /** The namespace that the credentials belong to: of the pod, or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /**
   * What to add to the options of a request: authorities, certificates, the `authorization` header, an agent. `isRefused`: the server has
   * just refused what was given before (401), so that it has to be read anew.
   */
  authorize(isRefused: boolean): Promise<RequestOptions>;
}
