import fc from 'fast-check';

/** Properties are checked with values at random, which a failure prints the seed of; with `SEED`, with the same values each time. */
const { SEED: seed } = process.env;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

export { fc };
