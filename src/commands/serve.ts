import { InputError } from '../input-error.ts';
import type { CommandContext } from './command-context.ts';
import type { ServeOptions } from './serve-options.ts';

/** `serve`: the webhook. Resolves with the exit code when it has ended. */
export async function serve(_options: ServeOptions, _context: CommandContext): Promise<number> {
  throw new InputError('serve is not available in this build; use review');
}
