import type { ClientFilter } from '../analysis/select-paths.ts';
import type { AppProtocol, Target } from '../egress/path.ts';
import { InputError } from '../input-error.ts';
import type { Labels } from '../istio/resources.ts';

/** The port of a URL that names none. */
const defaultPort: Readonly<Record<AppProtocol, number | undefined>> = { http: 80, tls: 443, tcp: undefined };

const url = /^(?<protocol>[a-z][a-z0-9+.-]*):\/\/(?<host>\[[0-9a-f:.]+\]|[^/:?#@[\]\s]+)(?::(?<port>\d{1,5}))?\/?$/i;

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Reads `--from NS[/SA]`. */
export function parseClient(text: string): ClientFilter {
  const [namespace = '', serviceAccount, ...rest] = text.split('/');
  const isClient =
    dnsLabel.test(namespace) && rest.length === 0 && (serviceAccount === undefined || serviceAccount !== '');
  if (!isClient) throw new InputError(`--from '${text}' is no client; write NAMESPACE or NAMESPACE/SERVICEACCOUNT`);
  return { namespace, ...(serviceAccount !== undefined && { serviceAccount }) };
}

/** Reads `--to URL`: `http://host[:80]`, `tls://host[:443]` or `tcp://host:port`. */
export function parseTarget(text: string): Target {
  const { protocol, host, port: written } = url.exec(text)?.groups ?? {};
  if (protocol === undefined || host === undefined) {
    throw new InputError(`--to '${text}' is no target; write http://HOST, tls://HOST or tcp://HOST:PORT`);
  }
  if (protocol !== 'http' && protocol !== 'tls' && protocol !== 'tcp') {
    const meant =
      protocol === 'https' ? `tls://${host}, as the application speaks TLS itself` : 'http://, tls:// or tcp://';
    throw new InputError(`--to '${text}' has the unknown protocol '${protocol}'; write ${meant}`);
  }
  const port = written === undefined ? defaultPort[protocol] : Number(written);
  if (port === undefined) throw new InputError(`--to '${text}' names no port; write tcp://${host}:PORT`);
  if (port < 1 || port > 65_535)
    throw new InputError(`--to '${text}' has a port that does not exist; write 1 to 65535`);
  return { protocol, host, port };
}

/** Reads `--labels k=v,…`. */
export function parseLabels(text: string): Labels {
  const pairs = text.split(',').map((pair): [string, string] => {
    const [key = '', value, ...rest] = pair.split('=');
    if (key.trim() === '' || value === undefined || rest.length > 0) {
      throw new InputError(`--labels '${text}' is no list of labels; write KEY=VALUE,KEY=VALUE`);
    }
    return [key.trim(), value.trim()];
  });
  return Object.fromEntries(pairs);
}
