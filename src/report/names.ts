import type { AppProtocol, Client, Target } from '../egress/path.ts';

/** The port that a URL leaves out. */
const urlPort: Readonly<Record<AppProtocol, number | undefined>> = { http: 80, tls: 443, tcp: undefined };

/** A target as `--to` takes it: `http://api.example.com`, `tls://api.example.com:8443`. */
export function displayTarget({ protocol, host, port }: Target): string {
  return `${protocol}://${host}${port === urlPort[protocol] ? '' : `:${port}`}`;
}

/** A client as `--from` takes it: `team-a/payments`. */
export function displayClient({ namespace, serviceAccount }: Client): string {
  return `${namespace}/${serviceAccount}`;
}

/** `a, b and 14 more namespaces`: the first names, and how many there are besides; `a, b and c` where all of them are shown. */
export function listNames(names: readonly string[], shown: number, what: string): string {
  if (names.length > shown) {
    const more = names.length - shown;
    return `${names.slice(0, shown).join(', ')} and ${more} more ${more === 1 ? what : `${what}s`}`;
  }
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

/** `1 error`, `2 errors`. */
export function countOf(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}
