import { buildBundle, measureCheck } from './bundle.ts';
import { measureRatios } from './decisions.ts';
import { type Figure, figure } from './figure.ts';

/** A noisy machine may spoil one measurement; three in a row it does not. */
const attempts = 3;

/**
 * The figures that hold on any machine: ratios of what is measured in turn, with bounds that only what grows with the mesh, or a second
 * reading of all files, can pass.
 */
export async function shortFigures(): Promise<readonly Figure[]> {
  const bundle = await buildBundle();
  try {
    return [
      ...(await best(() => {
        const { sidecars, size } = measureRatios(1_000, { rounds: 5, iterations: 150 });
        return [
          figure('decision local to one host, in 10 × the mesh', size, '≤', 2, '×'),
          figure('decision local to one host, with a Sidecar in each namespace', sidecars, '≤', 2.5, '×'),
        ];
      })),
      ...(await best(async () => {
        const { ratio } = await measureCheck(bundle, 500, 3);
        return [figure('`check` of 500 files with 3,000 resources, to parsing alone', ratio, '≤', 3, '×')];
      })),
    ];
  } finally {
    bundle.remove();
  }
}

async function best(measure: () => readonly Figure[] | Promise<readonly Figure[]>): Promise<readonly Figure[]> {
  for (let attempt = 1; ; attempt++) {
    const figures = await measure();
    if (attempt === attempts || figures.every(({ isMet }) => isMet)) return figures;
  }
}
