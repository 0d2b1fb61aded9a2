import { fc } from '../fast-check.ts';

/** Any JSON that the YAML library can write: it leaves a key `<<` bare, which means a merge when it is read again. */
export const writableJson = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"<<"'));
