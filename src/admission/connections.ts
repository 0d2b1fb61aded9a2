import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/** The open connections of a server and the requests on them. */
export interface Connections {
  /** Resolves with true once no request is being answered, or with false after `timeoutMs`. */
  readonly idle: (timeoutMs: number) => Promise<boolean>;
  /** Cuts every connection, also those that have not finished their TLS handshake. */
  readonly destroy: () => void;
}

/**
 * Follows the connections of a server from now on. Node's own `closeAllConnections` does not know those that are still in
 * their TLS handshake, and a server is not closed before the last of them has gone.
 */
export function trackConnections(server: Server): Connections {
  const sockets = new Set<Socket>();
  const onIdle = new Set<() => void>();
  let inFlight = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (_request, response) => {
    inFlight++;
    response.once('close', () => {
      inFlight--;
      if (inFlight === 0) for (const notify of onIdle) notify();
    });
  });
  return {
    idle: async (timeoutMs) => {
      if (inFlight === 0) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(resolve, timeoutMs, false);
      const notify = (): void => resolve(true);
      onIdle.add(notify);
      return promise.finally(() => {
        clearTimeout(timer);
        onIdle.delete(notify);
      });
    },
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
