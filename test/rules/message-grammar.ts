import type { Finding } from '../../src/analysis/finding.ts';
import { messageOf } from '../../src/analysis/findings.ts';

/** Longer ones are not read to their end. */
const maxMessageLength = 200;

/** What a fix may begin with: it tells the user to do something. */
const imperatives: ReadonlySet<string> = new Set(
  `add allow change choose create declare define delete drop export give import keep label lead leave let list lower match merge move name narrow
   point put qualify raise register remove rename replace restrict route select send set show split spell state take turn use
   verify write`.split(/\s+/),
);

/** Words of the past or the future, of courtesy and of opinion. */
const unfitWords = /\b(please|should|ought|would|will|won't|was|were|has been|have been|had|sorry|seems?|probably)\b/i;

/** Where a finding departs from the grammar of messages; empty when it keeps to it. */
export function grammarProblems(finding: Finding): string[] {
  const { message, fix } = finding;
  const problems = [
    [message.length > maxMessageLength, `the message has ${message.length} characters, more than ${maxMessageLength}`],
    [message === '' || fix === '', 'message and fix say something'],
    [message.trim() !== message || fix.trim() !== fix, 'nothing is padded'],
    [/[.!]$/.test(message) || /[.!]$/.test(fix), 'no period ends a clause'],
    [/["`]/.test(message), 'literals stand in single quotes'],
    [(message.match(/'/g)?.length ?? 0) % 2 === 1 && !/\w's\b/.test(message), 'every quote is closed'],
    [
      /^[A-Z][a-z]+ (?!\S*\/)/.test(message) && !startsWithName(message),
      'the message goes on after a colon, in lower case',
    ],
    [unfitWords.test(message) || unfitWords.test(fix), 'present tense, no courtesy, no opinion'],
    [/\bundefined\b|\bNaN\b|\[object /.test(messageOf(finding)), 'every value is a text'],
    [
      !imperatives.has(fix.split(/[\s,]/, 1)[0] ?? ''),
      `the fix begins with an imperative, not '${fix.split(' ', 1)[0]}'`,
    ],
  ] as const;
  return problems.filter(([isProblem]) => isProblem).map(([, text]) => `${text}: ${message}; ${fix}`);
}

/** Kinds and abbreviations keep their capital at the beginning. */
function startsWithName(message: string): boolean {
  return /^(TLS|SNI|HTTP|TCP|DENY|ALLOW|DNS|Istio|Envoy|Gateway|[A-Z][a-z]+[A-Z])/.test(message);
}
