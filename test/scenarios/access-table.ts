import type { Guard } from '../../src/analysis/guard.ts';
import type { AppProtocol, Client, Path, Target } from '../../src/egress/path.ts';

/**
 * What a guard says where a table has cells, next to the table's own cells. The first line of a table names URLs, every other one a client
 * (`namespace/service-account`) and its outcomes, two spaces or more apart.
 */
export function traceTable(
  guard: Guard,
  table: string,
): { readonly traced: readonly Cell[]; readonly cells: readonly Cell[] } {
  const listed = guard.access();
  const cells = cellsOf(table);
  const traced = cells.map(({ client, url }) => {
    return { client, url, outcome: outcomeOf(guard, listed, clientOf(client), targetOf(url)) };
  });
  return { traced, cells };
}

/** One cell of an access table. */
interface Cell {
  readonly client: string;
  readonly url: string;
  readonly outcome: string;
}

/** The first line names the URLs, every other one a client and its outcomes. */
function cellsOf(table: string): Cell[] {
  const lines = table.split('\n').map((line) => line.trim());
  const [urls = [], ...rows] = lines.filter((line) => line !== '').map((line) => line.split(/\s{2,}/));
  return rows.flatMap(([client = '', ...outcomes]) =>
    urls.map((url, column) => ({ client, url, outcome: outcomes[column] ?? '' })),
  );
}

/** The outcome of a trace, which the list of all access says too, where it speaks of the target. */
function outcomeOf(guard: Guard, listed: readonly Path[], from: Client, to: Target): string {
  const { outcome } = guard.trace({ from, to });
  const inList = listed.filter(
    (path) =>
      path.from.namespace === from.namespace &&
      path.to.host === to.host &&
      path.to.port === to.port &&
      path.to.protocol === to.protocol,
  );
  const own = [from.serviceAccount, '*', 'default']
    .map((account) => inList.find((path) => path.from.serviceAccount === account))
    .find((path) => path !== undefined);
  return own === undefined || own.outcome === outcome ? outcome : `${outcome}, listed as ${own.outcome}`;
}

function clientOf(text: string): Client {
  const [namespace = '', serviceAccount = ''] = text.split('/');
  return { namespace, serviceAccount };
}

const usualPorts: Readonly<Record<AppProtocol, number>> = { http: 80, tls: 443, tcp: 0 };

function targetOf(url: string): Target {
  const [scheme = '', address = ''] = url.split('://');
  const [host = '', port] = address.split(':');
  const protocol = scheme === 'tls' || scheme === 'tcp' ? scheme : 'http';
  return { protocol, host, port: port === undefined ? usualPorts[protocol] : Number(port) };
}
