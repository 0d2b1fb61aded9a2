import { type Comparison, compareCase, type Disagreement, type OracleCase } from '../compare.ts';
import { printManifests, type Question } from './make-case.ts';
import type { Answer, Oracle } from './oracle-process.ts';

/** A case with Istio's answer, compared with the tracer's. */
export interface Verdict {
  readonly question: Question;
  readonly answer: Answer;
  readonly compared: Comparison['compared'];
  readonly disagreements: readonly Disagreement[];
}

/** Asks Istio about a case and compares; an error where there is no answer. */
export async function judgeCase(question: Question, ask: Oracle): Promise<Verdict | { readonly error: string }> {
  const answer = await ask(question);
  if ('error' in answer) return answer;
  const accepted = withoutRejected(question, answer);
  const { compared, disagreements } = compareCase(oracleCaseOf(accepted, answer));
  return { question: accepted, answer, compared, disagreements };
}

/** The case as the committed ones are. */
function oracleCaseOf({ name, about, manifests }: Question, { paths }: Answer): OracleCase {
  return { name, about, manifests: printManifests(manifests), paths };
}

/** What the API server or istiod refuses never gets into a cluster. */
function withoutRejected(question: Question, { rejectedByIstio }: Answer): Question {
  if (rejectedByIstio.length === 0) return question;
  const rejected = new Set(rejectedByIstio);
  return { ...question, manifests: question.manifests.filter((manifest) => !rejected.has(titleOf(manifest))) };
}

interface Titled {
  kind?: unknown;
  metadata?: { namespace?: unknown; name?: unknown };
}

function titleOf({ kind, metadata = {} }: Titled): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
