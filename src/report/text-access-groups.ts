import type { Path, Target } from '../egress/path.ts';
import { type AccessRow, cellText } from './access-rows.ts';
import { hang } from './hang.ts';
import { displayTarget, listNames } from './names.ts';
import type { Look, Style } from './style.ts';

/** So many clients of a group are named; `-o csv` names them all. */
const shownClients = 12;

/** So many targets of an outcome are named. */
const shownTargets = 60;

/** Clients that fare alike, each group with its targets by outcome: for more clients and targets than a table holds. */
export function textAccessGroups(targets: readonly Target[], rows: readonly AccessRow[], look: Look): string[] {
  return rows.map((row) => textGroup(targets, row, look));
}

function textGroup(targets: readonly Target[], { clients, cells }: AccessRow, { style, width }: Look): string {
  const title = style.bold(listNames(clients, shownClients, 'client'));
  const asked = targets.map(displayTarget).filter((target) => cells.has(target));
  const outcomes = [...Map.groupBy(asked, (target) => cellText(cells.get(target)))].toSorted(byRarity);
  const labelWidth = Math.max(...outcomes.map(([text]) => text.length));
  const lines = outcomes.map(([text, own]) => {
    const label = `  ${paint(text, cells.get(own[0] ?? ''), style)}${' '.repeat(labelWidth - text.length)}  `;
    return hang(label, listNames(own, shownTargets, 'target'), width);
  });
  return [hang('', title, width), ...lines].join('\n');
}

/** What holds for few targets is told before what holds for most. */
function byRarity([, a]: readonly [string, readonly string[]], [, b]: readonly [string, readonly string[]]): number {
  return a.length - b.length;
}

function paint(text: string, path: Path | undefined, style: Style): string {
  return path ? style.outcome[path.outcome](text) : text;
}
