/** `node --expose-gc heap.ts HOSTS`: prints the heap, in MiB, that a guard and its resources take; all else of the process included. */
import { guardMesh, sizesFor } from '../decisions.ts';

const { guard } = guardMesh(sizesFor(Number(process.argv[2])).large);
guard.check();
globalThis.gc?.();
console.log(process.memoryUsage().heapUsed / 1_048_576);
guard.counts(); // it is there until now
