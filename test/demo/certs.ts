/** Fills `certs/` for a webhook on this machine: `npm run certs -- [DNS name or IP address]…`, next to localhost. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createDevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';

const folder = join(import.meta.dirname, '../../certs');
const names = ['localhost', '127.0.0.1', '::1', ...process.argv.slice(2)];

const { ca, cert, key } = await createDevelopmentCertificates({
  dnsNames: names.filter((name) => isIP(name) === 0),
  ipAddresses: names.filter((name) => isIP(name) !== 0),
});

await mkdir(folder, { recursive: true });
await rm(join(folder, 'tls.key'), { force: true }); // a mode is given to new files only
await writeFile(join(folder, 'tls.key'), key, { mode: 0o600 });
await writeFile(join(folder, 'tls.crt'), cert);
await writeFile(join(folder, 'ca.crt'), ca);
console.log(`certs/ca.crt, certs/tls.crt and certs/tls.key are for ${names.join(', ')}, valid for a year.`);
