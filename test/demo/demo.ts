/** `npm run demo`: the webhook on the mesh of `mesh/`, and what kubectl shows when the files of `changes/` are applied to it. */
import { execFile } from 'node:child_process';
import type { Agent } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAgent, postOver } from '../admission/tls-client.ts';
import { admissionReview } from '../webhook/admission-review.ts';
import { type ServeProcess, startServeProcess } from '../webhook/serve-process.ts';
import { isAllowed, kubectlOutput } from './kubectl.ts';
import { identityOf, readManifestFolder, readManifests } from './manifests.ts';

/** One change that somebody makes. */
interface Step {
  readonly file: string;
  readonly title: string;
  readonly isAllowed: boolean;
  /** What the answer has to say. */
  readonly says: readonly string[];
}

const steps: readonly Step[] = [
  { file: 'retry.yaml', title: 'a timeout for the bank', isAllowed: true, says: [] },
  {
    file: 'let-checkout-in.yaml',
    title: 'checkout may reach the bank too',
    isAllowed: true,
    says: ['access changes: checkout → api.bank.example:80: denied → allowed'],
  },
  {
    file: 'wrong-sni.yaml',
    title: 'a subset with the SNI of another host',
    isAllowed: false,
    says: ['tls.sni', 'set `sni: api.bank.example`', '(hop-sni-matches-host)'],
  },
  {
    file: 'hop-in-plaintext.yaml',
    title: 'connection limits for a port, which take the place of the TLS settings',
    isAllowed: false,
    says: ['mode: ISTIO_MUTUAL', '(hop-uses-istio-mutual)'],
  },
  {
    file: 'deny-everywhere.yaml',
    title: 'a DENY policy in the root namespace, meant for the gateway',
    isAllowed: false,
    says: ['spec.selector', 'add `selector: {matchLabels: {istio: egressgateway}}`', '(egress-policy-is-scoped)'],
  },
  {
    file: 'around-the-gateway.yaml',
    title: 'a tenant routes around the gateway, and around the policy that denies the bank',
    isAllowed: false,
    says: ['spec.http[0].route[0].destination', 'denied → direct', '(door)'],
  },
];

const root = join(import.meta.dirname, '../..');
const mesh = 'test/demo/mesh';

/** More than it ever takes: what hangs is ended. */
const deadlineMs = 20_000;

async function main(): Promise<boolean> {
  setTimeout(() => process.exit(1), deadlineMs).unref(); // which ends the webhook too
  const webhook = await startServeProcess({ flags: ['--files', mesh], cwd: root });
  const agent = createAgent(webhook.ca);
  try {
    let isAsExpected = true;
    for (const step of steps) isAsExpected = (await take(step, webhook, agent)) && isAsExpected;
    await showAccess();
    return isAsExpected;
  } finally {
    agent.destroy();
    await webhook.stop();
  }
}

/** Makes a change and shows the answer. False if it is not what was expected. */
async function take(step: Step, { url }: ServeProcess, agent: Agent): Promise<boolean> {
  const { file, title, says } = step;
  const known = new Map(readManifestFolder(join(root, mesh)).map((manifest) => [identityOf(manifest), manifest]));
  const [object] = readManifests(join(root, 'test/demo/changes', file));
  if (object === undefined) throw new Error(`${file} is empty`);
  const before = known.get(identityOf(object));
  const review = admissionReview({ after: object, ...(before && { before }) });
  const { status, body } = await postOver(agent, url, JSON.stringify(review));
  if (status !== 200) throw new Error(`the webhook answers ${status}: ${body}`);
  const answer: unknown = JSON.parse(body);
  const verb = before === undefined ? 'create' : 'replace';
  const output = kubectlOutput({ verb, file, object, answer });
  console.log(`# ${title}\n$ kubectl ${verb} -f ${file}\n${output}\n`);
  const missing = says.filter((text) => !output.includes(text));
  if (isAllowed(answer) === step.isAllowed && missing.length === 0) return true;
  console.error(`not as expected: it is ${step.isAllowed ? 'admitted' : 'refused'}, with ${missing.join(', ')}\n`);
  return false;
}

async function showAccess(): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, ['src/cli.ts', 'access', mesh], { cwd: root });
  console.log(`# who reaches what, and how\n$ egress-guard access ${mesh}\n${stdout}`);
}

process.exitCode = (await main()) ? 0 : 1;
