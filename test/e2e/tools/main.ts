/** `node test/e2e/tools/main.ts`: brings what the end-to-end tests need, and prints where it is. */
import { provideTools } from './provide.ts';

const tools = await provideTools((line) => console.error(line));
for (const [name, path] of Object.entries(tools)) console.log(`${name} ${path}`);
