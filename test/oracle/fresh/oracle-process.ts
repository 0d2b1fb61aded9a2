import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ExpectedPath } from '../compare.ts';
import { printManifests, type Question } from './make-case.ts';

/** What Istio makes of a case. */
export interface Answer {
  /** `Kind namespace/name` of the objects that the API server or istiod refuses. */
  readonly rejectedByIstio: readonly string[];
  /** What Envoy refuses of the configuration. */
  readonly rejectedByEnvoy: readonly string[];
  readonly paths: readonly ExpectedPath[];
}

/** Answers questions, or says why not. */
export type Oracle = (question: Question) => Promise<Answer | { readonly error: string }>;

interface Asked {
  readonly line: string;
  readonly answer: (line: string) => void;
}

interface Running {
  readonly process: ChildProcess;
  /** By name, in the order in which they were asked. */
  readonly waiting: Map<string, Asked>;
}

/**
 * The process of the generator: a case a line goes in, an answer a line comes out, in the same order. Where the process ends on a case, as
 * istiod's code panics on some, that case has an error, and a new process goes on with the rest.
 */
export class OracleProcess {
  readonly #binary: string;
  #running: Running | undefined;
  #asked = 0;

  constructor(binary: string) {
    this.#binary = binary;
  }

  /** Asks about one case. */
  readonly ask: Oracle = async ({ manifests, targets }) => {
    const name = `question-${this.#asked++}`; // shrinking asks about one case many times
    const line = JSON.stringify({ name, manifests: printManifests(manifests), targets });
    return JSON.parse(await new Promise<string>((answer) => this.#send(name, { line, answer })));
  };

  /** Ends the process. */
  close(): void {
    this.#running?.process.stdin?.end();
  }

  #send(name: string, asked: Asked): void {
    const { process, waiting } = this.#start();
    waiting.set(name, asked);
    process.stdin?.write(`${asked.line}\n`);
  }

  #start(): Running {
    if (this.#running !== undefined) return this.#running;
    const process = spawn(this.#binary, { stdio: ['pipe', 'pipe', 'pipe'] });
    const running: Running = { process, waiting: new Map() };
    this.#running = running;
    let said = '';
    process.stderr.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    process.stdin.on('error', () => {}); // what is written to an ended process is asked again
    createInterface({ input: process.stdout }).on('line', (line) => {
      const { name } = JSON.parse(line);
      running.waiting.get(name)?.answer(line);
      running.waiting.delete(name);
    });
    process.on('error', ({ message }) => this.#end(running, message));
    process.on('close', (code) => this.#end(running, `the generator ended with code ${code}: ${said}`));
    return running;
  }

  #end(running: Running, why: string): void {
    if (this.#running === running) this.#running = undefined;
    const [guilty, ...others] = running.waiting;
    running.waiting.clear();
    guilty?.[1].answer(JSON.stringify({ error: why }));
    for (const [name, asked] of others) this.#send(name, asked);
  }
}
