import { type Answer, isPath } from '../egress/ambient.ts';
import { otherAccounts, type Path, type Target } from '../egress/path.ts';
import { compareText } from '../istio/resources.ts';
import { displayTarget } from './names.ts';
import { notEvaluated } from './outcome-words.ts';

/** Clients that fare alike. */
export interface AccessRow {
  /**
   * `team-a`; `team-a/batch` where the service accounts of a namespace differ; `team-a/*` for those without a row; `team-a (ambient)` for
   * clients without a sidecar.
   */
  readonly clients: readonly string[];
  /** By target as `--to` takes it. */
  readonly cells: ReadonlyMap<string, Answer>;
}

/** Everything that some client may ask for, sorted by host. */
export function targetsOf(answers: readonly Answer[]): readonly Target[] {
  const targets = new Map(answers.map(({ to }) => [displayTarget(to), to]));
  return [...targets.values()].toSorted(
    (a, b) => compareText(a.host, b.host) || a.port - b.port || compareText(a.protocol, b.protocol),
  );
}

/** One row per namespace, or per service account where those of a namespace differ, and one for its ambient clients; sorted. */
export function rowsOf(answers: readonly Answer[], targets: readonly Target[]): readonly AccessRow[] {
  const byNamespace = [...Map.groupBy(answers, ({ from }) => from.namespace)];
  return byNamespace
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([namespace, own]) => [
      ...sidecarRows(namespace, own.filter(isPath), targets),
      ...ambientRows(namespace, own),
    ]);
}

function sidecarRows(namespace: string, paths: readonly Path[], targets: readonly Target[]): readonly AccessRow[] {
  const rows = rowsOfNamespace(namespace, paths);
  const isUniform = new Set(rows.map((row) => signatureOf(row, targets))).size === 1;
  return isUniform ? rows.slice(0, 1).map(({ cells }) => ({ clients: [namespace], cells })) : rows;
}

function ambientRows(namespace: string, answers: readonly Answer[]): readonly AccessRow[] {
  const ambient = answers.filter((answer) => !isPath(answer));
  if (ambient.length === 0) return [];
  const cells = new Map(ambient.map((answer) => [displayTarget(answer.to), answer]));
  return [{ clients: [`${namespace} (ambient)`], cells }];
}

/** Rows that read alike as one. */
export function joinRows(rows: readonly AccessRow[], targets: readonly Target[]): readonly AccessRow[] {
  return [...Map.groupBy(rows, (row) => signatureOf(row, targets)).values()].flatMap((group) =>
    group.slice(0, 1).map(({ cells }) => ({ clients: group.flatMap(({ clients }) => clients), cells })),
  );
}

/** The outcome, and what is worth knowing besides; `-` where nothing is asked for. */
export function cellText(answer: Answer | undefined): string {
  if (answer === undefined) return '-';
  return isPath(answer) ? [answer.outcome, ...answer.notes].join(', ') : notEvaluated;
}

/** Policies about one host name other accounts than those about the next: an account that they do not name fares as the others do. */
function rowsOfNamespace(namespace: string, paths: readonly Path[]): readonly AccessRow[] {
  const byTarget = [...Map.groupBy(paths, (path) => displayTarget(path.to))].map(([target, own]) => {
    return [target, new Map(own.map((path) => [path.from.serviceAccount, path]))] as const;
  });
  return accountsOf(byTarget.map(([, own]) => own)).map((account) => {
    const cells = byTarget.flatMap(([target, own]) => {
      const path = own.get(account) ?? own.get(otherAccounts) ?? own.values().next().value;
      return path ? [[target, path] as const] : [];
    });
    return { clients: [`${namespace}/${account}`], cells: new Map(cells) };
  });
}

/** The accounts that policies name, and `*` for the rest; where they name none, the one that stands for all. */
function accountsOf(byTarget: readonly ReadonlyMap<string, Path>[]): readonly string[] {
  const several = byTarget.filter((own) => own.size > 1 || own.has(otherAccounts));
  const accounts = new Set((several.length > 0 ? several : byTarget).flatMap((own) => [...own.keys()]));
  return [...accounts].sort(compareText);
}

function signatureOf({ cells }: AccessRow, targets: readonly Target[]): string {
  return targets.map((target) => cellText(cells.get(displayTarget(target)))).join('|');
}
