import type { Client, Outcome, Path, Target } from '../egress/path.ts';
import { compareText } from '../istio/resources.ts';
import { countOf, displayClient, displayTarget, listNames } from './names.ts';
import type { Style } from './style.ts';

/** How wide and how colourful the table may be. */
export interface TextAccessOptions {
  readonly style: Style;
  /** Characters in a line. */
  readonly width: number;
}

/** More rows than this are joined where they are equal. */
const maxSeparateRows = 20;

const shownNames = 3;

const gap = '  ';

/** What the words of the table mean, in the order of the legend. */
const meaning: Readonly<Record<Outcome, string>> = {
  allowed: 'through the egress gateway to the host',
  denied: 'refused at the egress gateway by an AuthorizationPolicy',
  direct: 'leaves from the sidecar, past the egress gateway',
  blocked: 'never leaves the sidecar',
  broken: 'sent to the egress gateway, and fails there or on the way',
  misrouted: 'reaches another host than the one asked for',
};

/** Who reaches what: clients as rows, targets as columns, a legend and a summary. Ends with a line end. */
export function textAccess(paths: readonly Path[], options: TextAccessOptions): string {
  if (paths.length === 0) return 'no client, or no external host: there is no path to show\n';
  const columns = columnsOf(paths);
  const rows = joinRows(rowsOf(paths, columns));
  const labelWidth = widest(['client', ...rows.map((row) => row.label)]);
  const blocks = splitColumns(columns, rows, options.width - labelWidth);
  const tables = blocks.map((block) => textBlock(block, rows, labelWidth, options.style));
  return `${[...tables, textLegend(paths, options.style), textSummary(paths, options.style)].join('\n\n')}\n`;
}

interface Column {
  readonly key: string;
  /** Host over protocol and port. */
  readonly head: readonly [string, string];
  readonly width: number;
}

interface Row {
  readonly label: string;
  /** By column key. */
  readonly cells: ReadonlyMap<string, Path>;
  /** Equal where all cells read equal. */
  readonly signature: string;
}

function columnsOf(paths: readonly Path[]): Column[] {
  const cellWidths = new Map<string, number>();
  const targets = new Map<string, Target>();
  for (const path of paths) {
    const key = displayTarget(path.to);
    targets.set(key, path.to);
    cellWidths.set(key, Math.max(cellWidths.get(key) ?? 1, cellText(path).length));
  }
  return [...targets]
    .toSorted(([, a], [, b]) => compareText(a.host, b.host) || a.port - b.port || compareText(a.protocol, b.protocol))
    .map(([key, { host, protocol, port }]) => {
      const head: Column['head'] = [host, `${protocol} ${port}`];
      return { key, head, width: Math.max(cellWidths.get(key) ?? 1, ...head.map((line) => line.length)) };
    });
}

function rowsOf(paths: readonly Path[], columns: readonly Column[]): Row[] {
  const byNamespace = Map.groupBy(paths, (path) => path.from.namespace);
  return [...byNamespace]
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([namespace, group]) => {
      const byClient = [...Map.groupBy(group, (path) => displayClient(path.from)).values()];
      const rows = byClient.map((own) => toRow(own, columns)).toSorted((a, b) => compareText(a.label, b.label));
      const isUniform = rows.every((row) => row.signature === rows[0]?.signature);
      return isUniform ? rows.slice(0, 1).map((row) => ({ ...row, label: namespace })) : rows;
    });
}

function toRow(paths: readonly Path[], columns: readonly Column[]): Row {
  const cells = new Map(paths.map((path) => [displayTarget(path.to), path]));
  const client: Client = paths[0]?.from ?? { namespace: '', serviceAccount: '' };
  return {
    label: displayClient(client),
    cells,
    signature: columns.map(({ key }) => cellText(cells.get(key))).join('|'),
  };
}

/** Clients that fare alike share a row once there are many. */
function joinRows(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= maxSeparateRows) return rows;
  return [...Map.groupBy(rows, (row) => row.signature).values()].flatMap((group) => {
    const label = listNames(
      group.map((row) => row.label),
      shownNames,
      'client',
    );
    return group.slice(0, 1).map((row) => ({ ...row, label }));
  });
}

function splitColumns(columns: readonly Column[], rows: readonly Row[], width: number): Column[][] {
  const blocks: Column[][] = [];
  let room = 0;
  for (const column of columns.filter(({ key }) => rows.some((row) => row.cells.has(key)))) {
    const needed = gap.length + column.width;
    const block = blocks.at(-1);
    if (block && needed <= room) {
      block.push(column);
      room -= needed;
    } else {
      blocks.push([column]);
      room = width - needed;
    }
  }
  return blocks;
}

function textBlock(columns: readonly Column[], rows: readonly Row[], labelWidth: number, style: Style): string {
  const heads = ([0, 1] as const).map((line) => {
    const label = (line === 0 ? '' : 'client').padEnd(labelWidth);
    return style.bold([label, ...columns.map((column) => column.head[line].padEnd(column.width))].join(gap).trimEnd());
  });
  const lines = rows.map((row) => {
    const cells = columns.map((column) => textCell(row.cells.get(column.key), column.width, style));
    return [row.label.padEnd(labelWidth), ...cells].join(gap).trimEnd();
  });
  return [...heads, ...lines].join('\n');
}

function textCell(path: Path | undefined, width: number, style: Style): string {
  const text = cellText(path);
  const padding = ' '.repeat(width - text.length);
  return `${path ? style.outcome[path.outcome](text) : style.dim(text)}${padding}`;
}

/** The outcome, and what is worth knowing besides; `-` where there is nothing to reach. */
function cellText(path: Path | undefined): string {
  return path ? [path.outcome, ...path.notes].join(', ') : '-';
}

function textLegend(paths: readonly Path[], style: Style): string {
  const present = outcomesOf(paths);
  const width = widest(present.map(([outcome]) => outcome));
  return present
    .map(([outcome]) => `${style.outcome[outcome](outcome.padEnd(width))}${gap}${meaning[outcome]}`)
    .join('\n');
}

function textSummary(paths: readonly Path[], style: Style): string {
  const counts = outcomesOf(paths).map(([outcome, count]) => style.outcome[outcome](`${count} ${outcome}`));
  return `${countOf(paths.length, 'path')}: ${counts.join(', ')}`;
}

function outcomesOf(paths: readonly Path[]): (readonly [Outcome, number])[] {
  const counts = Map.groupBy(paths, (path) => path.outcome);
  const words: readonly Outcome[] = ['allowed', 'denied', 'direct', 'blocked', 'broken', 'misrouted'];
  return words.flatMap((outcome) => {
    const count = counts.get(outcome)?.length ?? 0;
    return count > 0 ? [[outcome, count] as const] : [];
  });
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
