import type { AppProtocol, Client, Target } from '../egress/path.ts';
import { displayPlace } from '../input-error.ts';
import { displayRef, type FieldRef } from '../istio/resources.ts';
import type { Locate } from './origin.ts';

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

/** A field with the place where it is written: `VirtualService ns/name spec.http[0] (egress.yaml:12:3)`. */
export function displayField(at: FieldRef, locate: Locate): string {
  const origin = locate(at);
  return `${displayRef(at)}${at.field === '' ? '' : ` ${at.field}`}${origin ? ` (${displayPlace(origin)})` : ''}`;
}
