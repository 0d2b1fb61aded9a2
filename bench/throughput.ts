import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ownText } from '../src/istio/json-object.ts';
import { admissionReview } from '../test/webhook/admission-review.ts';
import { localChanges } from './changes.ts';
import { sizesFor } from './decisions.ts';
import { type Figure, figure } from './figure.ts';
import { generateMesh } from './generate-mesh.ts';
import { median } from './interleave.ts';

/** So many requests are under way at once, each on a connection that is kept. */
const connections = 8;
const requests = 1_500;
const rounds = 5;

/** Requests a second that the webhook answers, next to a handler that allows everything, in the same server and in turn. */
export async function throughputFigure(hosts: number): Promise<Figure> {
  const program = join(import.meta.dirname, 'programs/server.ts');
  const child = spawn(process.execPath, [program, String(hosts)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface(child.stdout), 'line');
    const started: unknown = JSON.parse(String(line));
    const url = ownText(started, 'url') ?? '';
    const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: ownText(started, 'ca') });
    const changes = localChanges(generateMesh(sizesFor(hosts).large), 2);
    const bodies = Array.from({ length: requests }, () => JSON.stringify(admissionReview(changes.next().value)));
    const rates: { judged: number; allowed: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const judged = await rateOf(agent, `${url}/validate`, bodies);
      rates.push({ judged, allowed: await rateOf(agent, `${url}/validate-nothing`, bodies) });
    }
    agent.destroy();
    const measured = rates.slice(1); // the first is warm-up
    const ratio = median(measured.map(({ judged, allowed }) => judged / allowed));
    const [judged, allowed] = [
      median(measured.map((rate) => rate.judged)),
      median(measured.map((rate) => rate.allowed)),
    ];
    return figure('webhook throughput over HTTPS, to one that allows everything', ratio, '≥', 0.4, '×', () => {
      const [own, all] = [1_000 / judged - 1_000 / allowed, 1_000 / judged];
      return `of ${all.toFixed(2)} ms a request, judging takes ${own.toFixed(2)} ms; HTTPS and JSON take the rest`;
    });
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
}

/** Requests a second. */
async function rateOf(agent: Agent, url: string, bodies: readonly string[]): Promise<number> {
  const waiting = bodies.values();
  const started = performance.now();
  const send = async (): Promise<void> => {
    for (const body of waiting) await post(agent, url, body);
  };
  await Promise.all(Array.from({ length: connections }, send));
  return (1_000 * bodies.length) / (performance.now() - started);
}

async function post(agent: Agent, url: string, body: string): Promise<void> {
  const sent = request(url, { agent, method: 'POST', headers: { 'content-type': 'application/json' } });
  sent.end(body);
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`);
}
