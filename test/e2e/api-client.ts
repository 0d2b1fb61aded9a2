import { Agent, request } from 'node:https';
import { type JsonObject, ownText } from '../../src/istio/json-object.ts';
import type { ControlPlane } from './control-plane.ts';

/** What the API server answers. */
interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** A client that creates objects over connections that it keeps: many a second, which kubectl cannot. */
export interface ApiClient {
  /** Creates an object; with `dryRun`, the API server only says what would come of it. */
  create(object: JsonObject, options?: { readonly dryRun: boolean }): Promise<ApiAnswer>;
  close(): void;
}

/** The path of a kind's resources, as the API server has it for the kinds that tests create. */
const resourceNames: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'authorizationpolicies',
  DestinationRule: 'destinationrules',
  Gateway: 'gateways',
  ServiceEntry: 'serviceentries',
  VirtualService: 'virtualservices',
};

/** A client with the rights of the tests. */
export function createApiClient({ url, ca, token }: ControlPlane): ApiClient {
  const agent = new Agent({ keepAlive: true, ca });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    create: (object, { dryRun } = { dryRun: false }) => {
      const path = `${collectionOf(object)}${dryRun ? '?dryRun=All' : ''}`;
      const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
      const sent = request(`${url}${path}`, { agent, method: 'POST', headers, timeout: 30_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
      sent.on('error', reject);
      sent.end(JSON.stringify(object));
      return promise;
    },
    close: () => agent.destroy(),
  };
}

function collectionOf(object: JsonObject): string {
  const { metadata } = object;
  const resources = resourceNames[ownText(object, 'kind') ?? ''];
  if (resources === undefined) throw new Error(`no path is known for ${ownText(object, 'kind')}`);
  return `/apis/${ownText(object, 'apiVersion')}/namespaces/${ownText(metadata, 'namespace')}/${resources}`;
}
