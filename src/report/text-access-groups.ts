import { type Answer, isPath } from '../egress/ambient.ts';
import type { Target } from '../egress/path.ts';
import { type AccessRow, cellText } from './access-rows.ts';
import { hang } from './hang.ts';
import { displayTarget, listNames } from './names.ts';
import type { Look, Style } from './style.ts';

/** So many clients of a group are named; `-o csv` names them all. */
const shownClients = 12;

/** So many targets of an outcome are named. */
const shownTargets = 60;

/** More targets than this are not named where they are simply all the others. */
const namedOthers = 6;

/** Clients that fare alike, each group with its targets by outcome: for more clients and targets than a table holds. */
export function textAccessGroups(targets: readonly Target[], rows: readonly AccessRow[], look: Look): string[] {
  const groups = rows.map((row) => textGroup(targets, row, look));
  const isShortened = groups.some((group) => /\bthe other \d+ |\band \d+ more /.test(group.replaceAll(/\s+/g, ' ')));
  return isShortened ? [...groups, hang('', 'every client and target by name: -o csv', look.width)] : groups;
}

function textGroup(targets: readonly Target[], { clients, cells }: AccessRow, { style, width }: Look): string {
  const title = style.bold(listNames(clients, shownClients, 'client'));
  const asked = targets.map(displayTarget).filter((target) => cells.has(target));
  const outcomes = [...Map.groupBy(asked, (target) => cellText(cells.get(target)))].toSorted(byRarity);
  const labelWidth = Math.max(...outcomes.map(([text]) => text.length));
  const lines = outcomes.map(([text, own], index) => {
    const label = `  ${paintCell(text, cells.get(own[0] ?? ''), style)}${' '.repeat(labelWidth - text.length)}  `;
    const isRest = outcomes.length > 1 && asked.length === targets.length && own.length > namedOthers;
    const isLast = index === outcomes.length - 1;
    const named = isRest && isLast ? `the other ${own.length} targets` : listNames(own, shownTargets, 'target');
    return hang(label, named, width);
  });
  return [hang('', title, width), ...lines].join('\n');
}

/** What holds for few targets is told before what holds for most. */
function byRarity([, a]: readonly [string, readonly string[]], [, b]: readonly [string, readonly string[]]): number {
  return a.length - b.length;
}

/** A cell in the colour of its outcome. */
export function paintCell(text: string, answer: Answer | undefined, style: Style): string {
  return answer !== undefined && isPath(answer) ? style.outcome[answer.outcome](text) : style.dim(text);
}
