import { answerReview } from '../admission/answer-review.ts';
import { MalformedReview, parseReview, type ReviewRequest } from '../admission/review.ts';
import type { Change } from '../analysis/guard.ts';
import { InputError } from '../input-error.ts';
import { readResource } from '../istio/read-resource.ts';
import { standardInput } from '../sources/find-files.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh } from './load-mesh.ts';
import { loadSettings } from './load-settings.ts';

/** Flags of `review`. */
export interface ReviewFlags {
  readonly settings?: string;
}

/** `review`: answers the AdmissionReview on standard input offline, with files as the cluster. Returns 0 if it is allowed, else 1. */
export async function review(paths: readonly string[], flags: ReviewFlags, context: CommandContext): Promise<number> {
  const { terminal } = context;
  if (paths.includes(standardInput))
    throw new InputError('standard input holds the AdmissionReview; name files or folders for the mesh');
  const { guard } = await loadMesh(paths, loadSettings(flags.settings, context), context);
  const reviewer = {
    decide: (change: Change) => guard.decide(change),
    readResource,
    isNamespaceTerminating: () => false,
    meshVersion: () => 'files',
  };
  const request = parse(await terminal.readStdin());
  const { answer, decision } = await answerReview(request, reviewer, Number.POSITIVE_INFINITY).catch(toInputError);
  await terminal.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
  return decision.allowed ? 0 : 1;
}

function parse(text: string): ReviewRequest {
  try {
    return parseReview(JSON.parse(text));
  } catch (error) {
    return toInputError(error);
  }
}

/** What is wrong with the review is wrong with our input; every other error goes on. */
function toInputError(error: unknown): never {
  if (!(error instanceof MalformedReview || error instanceof SyntaxError)) throw error;
  const message = error instanceof SyntaxError ? `is not JSON: ${error.message}` : error.message;
  throw new InputError(
    `${message}; give an AdmissionReview of admission.k8s.io/v1`,
    { file: standardInput },
    { cause: error },
  );
}
