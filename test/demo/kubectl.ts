import { ownField, ownList, ownText } from '../../src/istio/json-object.ts';
import { groupOf, type Manifest } from '../webhook/admission-review.ts';

/** What a user typed, and what the webhook answered. */
export interface KubectlRun {
  readonly verb: 'create' | 'replace';
  readonly file: string;
  readonly object: Manifest;
  /** The body of the webhook's answer. */
  readonly answer: unknown;
}

/** The name under which the webhook is registered. */
const webhookName = 'validate.egress-guard.io';

const gerunds = { create: 'creating', replace: 'replacing' };
const participles = { create: 'created', replace: 'replaced' };

/** True if the answer admits the request. */
export function isAllowed(answer: unknown): boolean {
  return ownField(ownField(answer, 'response'), 'allowed') === true;
}

/** What kubectl prints once the API server has heard the webhook, warnings first. */
export function kubectlOutput({ verb, file, object, answer }: KubectlRun): string {
  const response = ownField(answer, 'response');
  const lines = ownList(response, 'warnings').map((warning) => `Warning: ${warning}`);
  if (isAllowed(answer)) {
    const { kind, metadata } = object;
    lines.push(`${kind.toLowerCase()}.${groupOf(object)}/${metadata.name} ${participles[verb]}`);
  } else {
    const message = ownText(ownField(response, 'status'), 'message') ?? '';
    lines.push(
      `Error from server (Forbidden): error when ${gerunds[verb]} "${file}": admission webhook "${webhookName}" denied the request: ${message}`,
    );
  }
  return lines.join('\n');
}
