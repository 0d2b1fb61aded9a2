import { createGuard } from '../src/analysis/create-guard.ts';
import type { Change, Guard } from '../src/analysis/guard.ts';
import { defaultSettings } from '../src/settings/settings.ts';
import { changeOf, localChanges, resourcesOf, worstChanges } from './changes.ts';
import { type Figure, figure } from './figure.ts';
import { type GeneratedMesh, generateMesh, type MeshSize } from './generate-mesh.ts';
import { interleave, type Subject } from './interleave.ts';
import { whereTimeGoes } from './where.ts';

/** How thoroughly decisions are measured. */
export interface Effort {
  readonly rounds: number;
  readonly iterations: number;
}

/** A mesh and the guard of it. */
interface Guarded {
  readonly mesh: GeneratedMesh;
  readonly guard: Guard;
}

/** Builds the guard of a generated mesh, in which nothing is wrong. */
export function guardMesh(size: MeshSize): Guarded {
  const mesh = generateMesh(size);
  return { mesh, guard: buildGuard(mesh) };
}

function buildGuard(mesh: GeneratedMesh): Guard {
  return createGuard(resourcesOf(mesh), defaultSettings, { today: () => '2026-01-01', assumesGateways: false });
}

/** Asks about one change after the other. */
function subjectOf({ guard }: Guarded, next: () => Change): Subject {
  let change = next();
  return {
    prepare: () => {
      change = next();
    },
    run: () => guard.decide(change),
  };
}

/** Asks about changes local to one host. */
function localSubject(guarded: Guarded): Subject {
  const changes = localChanges(guarded.mesh, 1);
  return subjectOf(guarded, () => changeOf(changes.next().value));
}

/** The sizes of which the ratios speak. */
export function sizesFor(hosts: number): Readonly<Record<'large' | 'small' | 'with Sidecars', MeshSize>> {
  return {
    large: { hosts, namespaces: 200, hasSidecars: false },
    small: { hosts: hosts / 10, namespaces: 200, hasSidecars: false },
    'with Sidecars': { hosts, namespaces: 200, hasSidecars: true },
  };
}

/** How many times what one mesh costs another does, by the mean of local changes. */
export function measureRatios(hosts: number, effort: Effort): { readonly sidecars: number; readonly size: number } {
  const sizes = sizesFor(hosts);
  const { large, small, sidecars } = meansOf(
    {
      large: guardMesh(sizes.large),
      small: guardMesh(sizes.small),
      sidecars: guardMesh(sizes['with Sidecars']),
    },
    effort,
  );
  return { sidecars: sidecars / large, size: large / small };
}

function meansOf<K extends string>(guarded: Readonly<Record<K, Guarded>>, effort: Effort): Readonly<Record<K, number>> {
  const names = Object.keys(guarded) as K[]; // they are the keys
  const measured = interleave(new Map(names.map((name) => [name, localSubject(guarded[name])])), effort);
  return Object.fromEntries(names.map((name) => [name, measured.get(name)?.mean ?? Number.NaN])) as Record<K, number>;
}

/** All figures about decisions in this process. */
export function decisionFigures(hosts: number, effort: Effort): readonly Figure[] {
  const sizes = sizesFor(hosts);
  const large = guardMesh(sizes.large);
  const local = interleave(new Map([['local', localSubject(large)]]), effort).get('local');
  const ratios = measureRatios(hosts, effort);
  const explainLocal = (): Promise<string> => explain(localSubject(large), 500);
  const { mean = Number.NaN, p99 = Number.NaN } = local ?? {};
  return [
    figure('decision local to one host, mean', mean, '≤', 0.3, 'ms', explainLocal),
    figure('decision local to one host, p99', p99, '≤', 2, 'ms', explainLocal),
    figure('the same with a Sidecar in each namespace', ratios.sidecars, '≤', 1.5, '×'),
    figure('the same in 10 × the mesh', ratios.size, '≤', 1.2, '×'),
    ...worstFigures(large, { rounds: 3, iterations: 15 }),
    analysisFigure(large.mesh),
  ];
}

function worstFigures(guarded: Guarded, effort: Effort): readonly Figure[] {
  const subjects = new Map(
    [...worstChanges].map(([name, make]) => {
      let count = 0;
      return [name, subjectOf(guarded, () => changeOf(make(guarded.mesh, count++)))] as const;
    }),
  );
  return [...interleave(subjects, effort)].map(([name, { p99 }]) => {
    const subject = subjects.get(name);
    return figure(`${name}, p99`, p99, '≤', 50, 'ms', subject && (() => explain(subject, 10)));
  });
}

function explain({ prepare, run }: Subject, times: number): Promise<string> {
  return whereTimeGoes(() => {
    for (let time = 0; time < times; time++) {
      prepare?.();
      run();
    }
  });
}

function analysisFigure(mesh: GeneratedMesh): Figure {
  const subject: Subject = { run: () => buildGuard(mesh).check() };
  const seconds =
    (interleave(new Map([['analysis', subject]]), { rounds: 3, iterations: 1 }).get('analysis')?.mean ?? 0) / 1000;
  return figure('analysis from scratch, 10,000 resources', seconds, '≤', 1, 's', () => explain(subject, 1));
}
