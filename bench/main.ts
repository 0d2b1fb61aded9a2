/** `npm run bench -- [ROUNDS]`: what the webhook costs, next to what the design allows it to cost. Exits with 1 where it costs more. */
import { type Latency, measureServe, type ServeFigures } from './serve-load.ts';

/** Milliseconds on the wire, p99, for a change local to one host in a mesh of 10,000 resources. */
const maxP99 = 5;

/** How many times what the same change costs with 1,000 resources, by the median. */
const maxRatio = 1.5;

const figures = await measureServe(Number(process.argv[2] ?? 500));
console.log('local changes: p50 / p99 on the wire in milliseconds, one request at a time');
console.table(Object.fromEntries(figures.map((figure) => [figure.title, rowOf(figure)])));
for (const small of figures) {
  const large = figures.find(({ size }) => {
    return size.hosts === 10 * small.size.hosts && size.hasSidecars === small.size.hasSidecars;
  });
  if (large !== undefined) compare(small, large);
}

function rowOf(figure: ServeFigures): Readonly<Record<string, string | number>> {
  const { startMs, rss, reindexMs, server, latencies } = figure;
  return {
    'start ms': Math.round(startMs),
    'RSS MiB': Math.round(rss),
    're-index ms': reindexMs,
    'in the server': textOf(server),
    ...Object.fromEntries(latencies.entries().map(([change, latency]) => [change, textOf(latency)])),
  };
}

/** `p50 / p99` in milliseconds. */
function textOf({ p50, p99 }: Latency): string {
  return `${p50.toFixed(2)} / ${p99.toFixed(2)}`;
}

function compare(small: ServeFigures, large: ServeFigures): void {
  for (const [change, { p50, p99 }] of large.latencies) {
    const ratio = p50 / (small.latencies.get(change)?.p50 ?? 0);
    const isGood = p99 < maxP99 && ratio <= maxRatio;
    const verdict = isGood ? 'ok  ' : 'MISS';
    const times = `${ratio.toFixed(2)} × ${small.title} (≤ ${maxRatio})`;
    console.log(`${verdict} ${large.title}, ${change}: p99 ${p99.toFixed(2)} ms (< ${maxP99}), ${times}`);
    if (!isGood) process.exitCode = 1;
  }
}
