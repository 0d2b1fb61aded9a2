import { inspect } from 'node:util';
import { limitBytes } from './limit-text.ts';

const maxStackBytes = 4_096;

/** The stack of a thrown value with those of its causes, for the log. */
export function stackOf(error: unknown, maxCauses = 4): string {
  if (!(error instanceof Error)) return `thrown: ${inspect(error, { depth: 0 })}`;
  const stack = limitBytes(error.stack ?? error.message, maxStackBytes);
  if (error.cause === undefined || maxCauses === 0) return stack;
  return `${stack}\ncaused by ${stackOf(error.cause, maxCauses - 1)}`;
}
