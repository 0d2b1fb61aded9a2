import { once } from 'node:events';
import type { Server } from 'node:net';
import { InputError } from '../input-error.ts';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The flag that sets the port, for messages. */
  readonly flag: string;
}

/** What the usual errors of listening mean to the user. */
const meanings: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'not permitted for this user',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host is unknown',
};

/**
 * Makes a server listen and resolves with its `host:port`. Not fastify's `listen`: for `localhost` that starts a second
 * server, which would keep the first certificate for ever.
 * @throws InputError if the address cannot be listened on.
 */
export async function listen(server: Server, { host, port, flag }: ListenAddress): Promise<string> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const meaning = meanings[code] ?? String(cause);
    const message = `cannot listen on ${hostAndPort(host, port)}: ${meaning}; choose another address with --host or ${flag}`;
    throw new InputError(message, undefined, { cause });
  }
  const address = server.address();
  return hostAndPort(host, typeof address === 'object' && address ? address.port : port);
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
