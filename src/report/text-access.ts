import { type Answer, isPath } from '../egress/ambient.ts';
import { type Outcome, otherAccounts, type Path, type Target } from '../egress/path.ts';
import { type AccessRow, cellText, joinRows, rowsOf, targetsOf } from './access-rows.ts';
import { hang } from './hang.ts';
import { countOf, displayClient, displayTarget, listNames } from './names.ts';
import { notEvaluated, notEvaluatedMeaning, noteMeaning, outcomeMeaning, outcomeWords } from './outcome-words.ts';
import type { Look, Style } from './style.ts';
import { paintCell, textAccessGroups } from './text-access-groups.ts';

/** More rows than this are joined where they are equal. */
const maxSeparateRows = 20;

/** A table that is broken into more parts than this is none; groups of clients read better. */
const maxBlocks = 2;

const shownNames = 3;

const nothing =
  'there is no path to show: the input has no namespace with sidecars, or no ServiceEntry of an external host';

const gap = '  ';

/** Who reaches what: clients as rows, targets as columns, or groups of clients where there are too many; a legend and a summary. Ends with a line end. */
export function textAccess(answers: readonly Answer[], look: Look): string {
  if (answers.length === 0) return `${hang('', nothing, look.width)}\n`;
  const targets = targetsOf(answers);
  const rows = rowsOf(answers, targets);
  const parts = [
    ...textTables(targets, rows, look),
    textLegend(answers, rows, look),
    [textSummary(answers, look.style), ...textHint(answers.filter(isPath), look.width)].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

interface Column {
  readonly key: string;
  /** Host over protocol and port. */
  readonly head: readonly [string, string];
  readonly width: number;
}

function textTables(targets: readonly Target[], all: readonly AccessRow[], look: Look): string[] {
  const joined = joinRows(all, targets);
  const rows = all.length > maxSeparateRows ? joined : all;
  const labelWidth = widest(['client', ...rows.map(labelOf)]);
  const blocks = splitColumns(
    targets.map((target) => columnOf(target, rows)),
    look.width - labelWidth,
  );
  if (blocks.length > maxBlocks) return textAccessGroups(targets, joined, look);
  return blocks.map((block) => textBlock(block, rows, labelWidth, look.style));
}

function labelOf({ clients }: AccessRow): string {
  return listNames(clients, shownNames, 'client');
}

function columnOf(target: Target, rows: readonly AccessRow[]): Column {
  const { host, protocol, port } = target;
  const key = displayTarget(target);
  const head: Column['head'] = [host, `${protocol} ${port}`];
  return { key, head, width: widest([...head, ...rows.map((row) => cellText(row.cells.get(key)))]) };
}

function splitColumns(columns: readonly Column[], width: number): Column[][] {
  const blocks: Column[][] = [];
  let room = 0;
  for (const column of columns) {
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

function textBlock(columns: readonly Column[], rows: readonly AccessRow[], labelWidth: number, style: Style): string {
  const heads = ([0, 1] as const).map((line) => {
    const label = (line === 0 ? '' : 'client').padEnd(labelWidth);
    return style.bold([label, ...columns.map((column) => column.head[line].padEnd(column.width))].join(gap).trimEnd());
  });
  const lines = rows.map((row) => {
    const cells = columns.map((column) => textCell(row.cells.get(column.key), column.width, style));
    return [labelOf(row).padEnd(labelWidth), ...cells].join(gap).trimEnd();
  });
  return [...heads, ...lines].join('\n');
}

function textCell(answer: Answer | undefined, width: number, style: Style): string {
  const text = cellText(answer);
  return `${paintCell(text, answer, style)}${' '.repeat(width - text.length)}`;
}

/** What the words and signs mean: those that occur. */
function textLegend(answers: readonly Answer[], rows: readonly AccessRow[], { style, width }: Look): string {
  const paths = answers.filter(isPath);
  const notes = new Set(paths.flatMap((path) => path.notes));
  const hasOthers = rows.some(({ clients }) => clients.some((client) => client.endsWith('/*')));
  const terms: (readonly [term: string, painted: string, meaning: string])[] = [
    ...outcomesOf(paths).map(([word]) => [word, style.outcome[word](word), outcomeMeaning[word]] as const),
    ...[...notes].map((note) => [note, note, noteMeaning[note]] as const),
    ...(paths.length < answers.length ? [[notEvaluated, style.dim(notEvaluated), notEvaluatedMeaning] as const] : []),
    ...(hasOthers ? [['NAMESPACE/*', 'NAMESPACE/*', 'its service accounts that no policy names'] as const] : []),
  ];
  const termWidth = widest(terms.map(([term]) => term));
  return terms
    .map(([term, painted, meaning]) => hang(`${painted}${' '.repeat(termWidth - term.length)}${gap}`, meaning, width))
    .join('\n');
}

function textSummary(answers: readonly Answer[], style: Style): string {
  const paths = answers.filter(isPath);
  const counts = outcomesOf(paths).map(([outcome, count]) => style.outcome[outcome](`${count} ${outcome}`));
  const rest = answers.length - paths.length;
  if (rest > 0) counts.push(style.dim(`${rest} ${notEvaluated}`));
  return `${countOf(answers.length, 'path')}: ${counts.join(', ')}`;
}

/** The question that comes next: why one path is not as it is meant to be. */
function textHint(paths: readonly Path[], width: number): string[] {
  const path = paths.find(({ outcome }) => outcome !== 'allowed' && outcome !== 'denied');
  if (path === undefined) return [];
  const { namespace, serviceAccount } = path.from;
  const from = serviceAccount === otherAccounts ? namespace : displayClient({ namespace, serviceAccount });
  return [hang('why: ', `egress-guard explain PATH… --from ${from} --to ${displayTarget(path.to)}`, width)];
}

function outcomesOf(paths: readonly Path[]): (readonly [Outcome, number])[] {
  const counts = Map.groupBy(paths, (path) => path.outcome);
  return outcomeWords.flatMap((outcome) => {
    const count = counts.get(outcome)?.length ?? 0;
    return count > 0 ? [[outcome, count] as const] : [];
  });
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
