/** `npm run docs`: brings the generated parts of the README up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillReadme } from './readme-parts.ts';

const file = join(import.meta.dirname, '../../README.md');
writeFileSync(file, await fillReadme(readFileSync(file, 'utf8')));
