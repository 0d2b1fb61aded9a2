import type { Query } from '../mesh/engine.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { waysTo } from './host-paths.ts';
import { type Hop, sendsOtherSni } from './path.ts';

/** The hops that the routes of a host lead over: `service|port|subset`, each once. */
const hopsOfHost: Query<ModelObject, readonly string[]> = {
  name: 'hops of a host',
  level: 7,
  compute: (reader, host) =>
    [...new Set(waysTo(reader, host).flatMap(({ hop }) => (hop === undefined ? [] : [hopKey(hop)])))].sort(),
};

/** True when the hop of a host sends the SNI of another external host, whose hop it is as well. */
export function hasSharedSni(reader: MeshReader, hop: Hop, host: string): boolean {
  if (hop.sniIsDefault || hop.sni === undefined || !sendsOtherSni(hop, undefined, host)) return false;
  return reader.value(hopsOfHost, hop.sni.toLowerCase()).includes(hopKey(hop));
}

function hopKey({ service, port, subset }: Hop): string {
  return `${service}|${port}|${subset}`;
}
