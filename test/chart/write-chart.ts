/** Part of `npm run docs`: brings the generated files of the chart up to date. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartFiles } from './chart-files.ts';
import { chartFolder } from './values.ts';

for (const [path, text] of chartFiles()) writeFileSync(join(chartFolder, path), text);
