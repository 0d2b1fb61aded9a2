import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchRules, webhookRules } from './kinds.ts';
import { chartFolder, valuesTable } from './values.ts';
import { valuesSchema } from './values-schema.ts';

/** The files of the chart that follow from values.yaml and from the code, by their path in it. */
export function chartFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', fillReadme(readFileSync(join(chartFolder, 'README.md'), 'utf8'))],
    ['values.schema.json', `${JSON.stringify(valuesSchema(), null, 2)}\n`],
    ['files/webhook-rules.yaml', webhookRules()],
    ['files/watched-kinds.yaml', watchRules()],
  ]);
}

/** What stands between `<!-- values: … -->` and `<!-- /values -->` is the table of values. */
function fillReadme(readme: string): string {
  return readme.replace(
    /(<!-- values: [^\n]*-->\n).*?(<!-- \/values -->)/s,
    (_, start, end) => `${start}${valuesTable()}${end}`,
  );
}
