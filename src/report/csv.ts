import { type Answer, isPath } from '../egress/ambient.ts';
import { notEvaluated } from './outcome-words.ts';

const columns = ['namespace', 'serviceAccount', 'protocol', 'host', 'port', 'outcome', 'stage', 'reason', 'notes'];

/** Paths as comma-separated values (RFC 4180), a header line first. */
export function* pathsCsv(answers: Iterable<Answer>): Generator<string> {
  yield `${columns.join(',')}\r\n`;
  for (const answer of answers) {
    const { from, to, reason } = answer;
    const { outcome, stage, notes } = isPath(answer) ? answer : { outcome: notEvaluated, stage: '', notes: [] };
    const cells = [
      from.namespace,
      from.serviceAccount,
      to.protocol,
      to.host,
      String(to.port),
      outcome,
      stage,
      reason,
      notes.join(' '),
    ];
    yield `${cells.map(quote).join(',')}\r\n`;
  }
}

/** Quotes where commas, quotes or line ends need it; a cell that a spreadsheet would run as a formula gets an apostrophe before it. */
function quote(cell: string): string {
  const text = /^[=+@\t\r-]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
