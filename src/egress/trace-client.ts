import type { Labels } from '../istio/resources.ts';
import { viewerOf } from '../istio/viewer.ts';
import { type ClientView, scopeOf } from '../mesh/client-view.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { guardedWays, judge } from './judge.ts';
import type { Client, Path, Target } from './path.ts';
import { trace } from './trace.ts';
import { requestFor } from './way.ts';

/** The view of one pod: everything about it is known. */
function podView(reader: MeshReader, namespace: string, labels: Labels): ClientView {
  const proxy = viewerOf(namespace, labels);
  return { reader, scope: scopeOf(reader, namespace, (selector) => proxy.hasLabels(selector)), ...proxy };
}

/** IP addresses of one request, as far as they are known. */
export interface Addresses {
  /** That of the client's pod. */
  readonly client?: string;
  /** The one that the application dials. */
  readonly dialled?: string;
}

/** The path of one concrete client to one target. */
export function traceClient(
  reader: MeshReader,
  from: Client,
  labels: Labels,
  to: Target,
  { client, dialled }: Addresses = {},
): Path {
  const ways = trace(podView(reader, from.namespace, labels), requestFor(to, dialled));
  return judge(reader, guardedWays(reader, ways), from, to, client);
}
