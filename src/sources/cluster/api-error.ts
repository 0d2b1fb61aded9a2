import { ownField, ownText } from '../../istio/json-object.ts';

/** What an API server says when it does not do what it is asked: its `Status`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status, or the code of a Status in a stream: 410 where a resource version is too old. */
  readonly status: number;
  /** The word for machines (`NotFound`, `AlreadyExists`, `Conflict`, `Expired`); empty where there is none. */
  readonly reason: string;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    details: { readonly status: number; readonly reason?: string; readonly retryAfterMs?: number | undefined },
  ) {
    super(message);
    this.status = details.status;
    this.reason = details.reason ?? '';
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Reads a `Status`; `what` is the request that it answers, `fallback` the HTTP status for a body that is none. */
export function apiErrorOf(status: unknown, what: string, fallback: number, retryAfter?: string): ApiError {
  const code = ownField(status, 'code');
  const seconds = ownField(ownField(status, 'details'), 'retryAfterSeconds');
  const message = ownText(status, 'message') || `HTTP ${fallback}`;
  return new ApiError(`${what}: ${message}`, {
    status: typeof code === 'number' ? code : fallback,
    reason: ownText(status, 'reason') ?? '',
    retryAfterMs: parseRetryAfter(retryAfter) ?? (typeof seconds === 'number' ? seconds * 1_000 : undefined),
  });
}

/** The header's seconds; its other form, a date, is used by proxies only, and no reason to trust two clocks. */
function parseRetryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}
