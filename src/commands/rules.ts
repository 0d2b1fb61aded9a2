import { jsonRules, markdownRules, textRules } from '../report/text-rules.ts';
import type { CommandContext } from './command-context.ts';
import { lookOf } from './terminal.ts';

/** Flags of `rules`. */
export interface RulesFlags {
  readonly output: 'text' | 'json' | 'markdown';
}

/** `rules`: all rules. Returns 0. */
export async function rules(flags: RulesFlags, { terminal, engine }: CommandContext): Promise<number> {
  const { stdout, env } = terminal;
  switch (flags.output) {
    case 'text':
      await stdout.write(textRules(engine.rules, lookOf(stdout, env)));
      return 0;
    case 'json':
      await stdout.write(jsonRules(engine.rules));
      return 0;
    case 'markdown':
      await stdout.write(markdownRules(engine.rules));
      return 0;
  }
}
