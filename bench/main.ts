/**
 * `npm run bench`: what everything costs, next to what the design (§10) allows it to cost; `npm run bench -- --short`: the ratios that
 * continuous integration guards. Exits with 1 where something costs more.
 */
import { buildBundle, commandFigures, heapFigure, rssFigure } from './bundle.ts';
import { clusterFigures } from './cluster.ts';
import { decisionFigures } from './decisions.ts';
import { type Figure, printFigures } from './figure.ts';
import { shortFigures } from './short.ts';
import { throughputFigure } from './throughput.ts';

const figures = process.argv.includes('--short') ? await shortFigures() : await allFigures();
if (!(await printFigures(figures, console.log))) process.exitCode = 1;

async function allFigures(): Promise<readonly Figure[]> {
  const bundle = await buildBundle();
  try {
    return [
      ...decisionFigures(2_000, { rounds: 7, iterations: 400 }),
      await throughputFigure(2_000),
      await heapFigure(2_000, 80),
      await heapFigure(10_000, 250),
      await rssFigure(bundle, 2_000, 200),
      await rssFigure(bundle, 10_000, 450),
      ...(await clusterFigures(bundle, 2_000, { ready: 5, rss: 200 })),
      ...(await clusterFigures(bundle, 10_000, { ready: 25, rss: 450 })),
      ...(await commandFigures(bundle)),
    ];
  } finally {
    bundle.remove();
  }
}
