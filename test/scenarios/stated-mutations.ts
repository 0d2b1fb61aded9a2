import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A mutation of a canonical bundle, and what is stated of it. */
export interface StatedMutation {
  /** Also the name of its manifests in `oracle/written`. */
  readonly name: string;
  /** Rules that find something of severity error, and no others do. */
  readonly errors: readonly string[];
  /** `deny`, `warn`, `allow`, or `two changes`, with the rules and transitions that take part. */
  readonly decision: string;
}

/** All mutations of `mutations.tsv`. */
export const statedMutations: readonly StatedMutation[] = readFileSync(
  join(import.meta.dirname, '../oracle/mutations.tsv'),
  'utf8',
)
  .trim()
  .split('\n')
  .slice(1)
  .flatMap((line): StatedMutation[] => {
    const [names = '', errors = '', decision = ''] = line.split('\t');
    return names.split(' ').map((name) => ({ name, errors: errors === '-' ? [] : errors.split(', '), decision }));
  });
