import { Agent, type RequestOptions, request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { createDevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';

/** An answer as a client sees it. */
export interface ClientAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Whether the request went over a connection that had been used before. */
  readonly isReused: boolean;
  /** The serial number of the server's certificate. */
  readonly serial: string;
}

/** A certificate for 127.0.0.1. */
export const createCertificate = () => createDevelopmentCertificates({ dnsNames: [], ipAddresses: ['127.0.0.1'] });

/** A client that keeps its connections, as API servers do, and trusts the given authorities. */
export function createAgent(...ca: readonly string[]): Agent {
  return new Agent({ keepAlive: true, ca: [...ca] });
}

/** Posts a body to `/validate` of a server. */
export async function postOver(agent: Agent, url: string, body: string): Promise<ClientAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientAnswer>();
  const options: RequestOptions = { agent, method: 'POST', headers: { 'content-type': 'application/json' } };
  const sent = request(`${url}/validate?timeout=5s`, options, (response) => {
    const socket = response.socket as TLSSocket; // it is an HTTPS request
    const serial = socket.getPeerCertificate().serialNumber;
    const chunks: Buffer[] = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { headers, statusCode = 0 } = response;
      resolve({ status: statusCode, body: text, headers, isReused: sent.reusedSocket, serial });
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

/** Opens a TLS connection that nothing has been sent on yet. */
export async function openTls(url: string, ca: string): Promise<TLSSocket> {
  const { hostname: host, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({ host, port: Number(port), ca }, () => resolve(socket));
  socket.once('error', reject);
  return promise;
}

/** Opens a TCP connection that nothing has been sent on yet. */
export async function openTcp(url: string): Promise<Socket> {
  const { hostname: host, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTcp({ host, port: Number(port) }, () => resolve(socket));
  socket.once('error', reject);
  return promise;
}

/** Resolves with all that the server sends until the connection ends, however it ends. */
export async function untilClosed(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined); // a reset is one way to end
  socket.once('close', () => resolve(text));
  return promise;
}
