import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ownField, ownList, ownText } from '../../src/istio/json-object.ts';
import { createAgent, postOver } from '../admission/tls-client.ts';
import { type ApiRequest, admissionReview } from './admission-review.ts';
import { type ServeProcess, startServeProcess } from './serve-process.ts';

/** What the webhook says about a request. */
interface WebhookAnswer {
  readonly allowed: boolean;
  /** All problems, one a line; empty when allowed. */
  readonly message: string;
  readonly warnings: readonly string[];
}

/** A `serve` in a folder that a test writes to. */
export interface ServedMesh extends ServeProcess {
  readonly folder: string;
  /** Sends a request over HTTPS. Throws where the answer is not 200. */
  readonly ask: (request: ApiRequest) => Promise<WebhookAnswer>;
  /** Writes files, by their names in the folder. */
  readonly write: (files: Readonly<Record<string, string>>) => void;
  /** The value of a series as `/metrics` shows it, such as `egress_guard_findings{rule="door"}`. */
  readonly metric: (series: string) => Promise<number | undefined>;
  /** Ends it and removes the folder. Resolves with the exit code. */
  readonly close: () => Promise<number | null>;
}

/** Writes `mesh/` with the given manifests, starts `serve --files mesh` on it, and talks to it as an API server does. */
export async function serveMesh(
  manifests: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<ServedMesh> {
  const files = Object.entries(manifests).map(([name, text]) => [`mesh/${name}`, text] as const);
  return serveFolder(Object.fromEntries(files), ['--files', 'mesh', ...flags]);
}

/** Writes files, starts `serve` in their folder, and talks to it as an API server does, which trusts `ca` or what `serve` makes up. */
export async function serveFolder(
  files: Readonly<Record<string, string>>,
  flags: readonly string[],
  ca?: string,
): Promise<ServedMesh> {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-test-'));
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  write(files);
  const served = await startServeProcess({ flags, cwd: folder }).catch((error) => {
    remove();
    throw error;
  });
  const agent = createAgent(ca ?? served.ca);
  return {
    ...served,
    folder,
    write,
    ask: async (request) => {
      const { status, body } = await postOver(agent, served.url, JSON.stringify(admissionReview(request)));
      if (status !== 200) throw new Error(`the webhook answers ${status}: ${body}`);
      return readAnswer(JSON.parse(body));
    },
    metric: async (series) => {
      const text = await (await fetch(`${served.opsUrl}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
    close: async () => {
      agent.destroy();
      const code = await served.stop();
      remove();
      return code;
    },
  };
}

function readAnswer(answer: unknown): WebhookAnswer {
  const response = ownField(answer, 'response');
  return {
    allowed: ownField(response, 'allowed') === true,
    message: ownText(ownField(response, 'status'), 'message') ?? '',
    warnings: ownList(response, 'warnings').map(String),
  };
}
