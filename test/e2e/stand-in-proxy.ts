import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ServeProcess } from '../webhook/serve-process.ts';

/** What of a pod the proxy wants: where it serves, and where it tells whether it is ready. */
export type ServingPod = Pick<ServeProcess, 'url' | 'opsUrl'>;

/** Where a Service is called. */
interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Stands in for a node's kube-proxy and what tells it of pods: new connections to a Service go to its ready pods in turn, and are refused
 * where there is none; those that are open stay where they are, whatever becomes of the pod.
 */
export interface StandInProxy<P extends ServingPod = ServeProcess> {
  /** From when it is ready until it is not, or is gone, the pod gets connections. */
  add(pod: P): void;
  /** The pods that new connections go to. */
  ready(): readonly P[];
  /** Cuts all open connections. */
  cut(): void;
  close(): Promise<void>;
}

/** Between two looks at the pods: for about so long connections go on to a pod that is not ready any more. */
const lookEveryMs = 1_000;

/** As a kubelet's probe by default (its `failureThreshold`), where an answer takes too long: on a busy machine that means nothing. */
const maxSilences = 3;

/** Starts a proxy that has no pod yet. */
export function startProxy<P extends ServingPod = ServeProcess>(address: ServiceAddress): StandInProxy<P> {
  const pods = new Set<P>();
  const silences = new Map<P, number>();
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  let ready: readonly P[] = [];
  let turn = 0;
  const server = createServer((client) => {
    const pod = ready[turn++ % ready.length];
    if (pod) relay(client, pod, sockets);
    else client.destroy();
  });
  const look = async (): Promise<void> => {
    const answers = await Promise.all([...pods].map(async (pod) => [pod, await probe(pod)] as const));
    for (const [pod, answer] of answers) silences.set(pod, answer === 'silent' ? (silences.get(pod) ?? 0) + 1 : 0);
    const isStillReady = (pod: P): boolean => ready.includes(pod) && (silences.get(pod) ?? 0) < maxSilences;
    ready = answers.flatMap(([pod, answer]) =>
      answer === 'ready' || (answer === 'silent' && isStillReady(pod)) ? [pod] : [],
    );
    await listenWhile(ready.length > 0, server, address);
  };
  const following = (async () => {
    while (!closing.signal.aborted) {
      await look();
      await setTimeout(lookEveryMs, undefined, { signal: closing.signal }).catch(() => {});
    }
  })();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    add: (pod) => void pods.add(pod),
    ready: () => ready,
    cut,
    close: async () => {
      closing.abort();
      await following;
      cut();
      await listenWhile(false, server, address);
    },
  };
}

async function probe({ opsUrl }: ServingPod): Promise<'ready' | 'not ready' | 'silent'> {
  try {
    const { ok } = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return ok ? 'ready' : 'not ready';
  } catch (error) {
    return error instanceof DOMException && error.name === 'TimeoutError' ? 'silent' : 'not ready'; // it has ended
  }
}

async function listenWhile(isWanted: boolean, server: Server, { host, port }: ServiceAddress): Promise<void> {
  if (isWanted === server.listening) return;
  if (isWanted) await once(server.listen(port, host), 'listening');
  else server.close(); // open connections stay
}

function relay(client: Socket, { url }: ServingPod, sockets: Set<Socket>): void {
  const { hostname, port } = new URL(url);
  const pod = connect(Number(port), hostname);
  for (const [from, to] of [
    [client, pod],
    [pod, client],
  ] as const) {
    sockets.add(from);
    from.setNoDelay(true).pipe(to);
    from
      .on('error', () => to.destroy())
      .on('close', () => {
        sockets.delete(from);
        to.destroySoon();
      });
  }
}
