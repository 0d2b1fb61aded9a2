import type { Origination } from './path.ts';

/**
 * What makes the proxies of a namespace originate TLS where they send plain HTTP: in the DestinationRule that they apply, or, without
 * one, in one that their own namespace has. Nobody speaks TLS on port 80: there the `targetPort` changes, too.
 */
export function originationFix({ at, host, port }: Origination, plaintextPort: number, namespace: string): string {
  const declared = port === plaintextPort ? port : `${port} (the ServiceEntry's, not its targetPort ${plaintextPort})`;
  const where = at === undefined ? ` in a DestinationRule for '${host}' in namespace '${namespace}'` : '';
  const tls = `\`tls: {mode: SIMPLE}\` for port ${declared}${where}`;
  return plaintextPort === 80
    ? `set \`targetPort: 443\` on port ${port} of the ServiceEntry, and ${tls}`
    : `set ${tls}`;
}
