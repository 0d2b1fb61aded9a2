import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { runProgram, type Said } from './run-program.ts';
import type { Tools } from './tools/provide.ts';

/** A Kubernetes API server on a free loopback port, with storage, and without nodes and controllers. */
export interface ControlPlane {
  /** A file; its user may do everything. */
  readonly kubeconfig: string;
  readonly url: string;
  /** PEM of the authority of its certificate. */
  readonly ca: string;
  /** Of the user of the kubeconfig. */
  readonly token: string;
  /** Runs kubectl, with `input` as its standard input. */
  kubectl(args: readonly string[], input?: string): Promise<Said>;
  /** Runs Helm, with `input` as its standard input. */
  helm(args: readonly string[], input?: string): Promise<Said>;
  /** Kills the API server, and resolves when another one answers in its place, with the same storage. */
  restartApiServer(): Promise<void>;
  /** Ends it and removes all that it stored. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;

/**
 * Starts etcd and kube-apiserver and resolves when the API answers. ClusterIPs are loopback addresses: the API server calls a webhook
 * at its Service's ClusterIP itself, and whatever listens on that address and port answers.
 */
export async function startControlPlane(tools: Tools): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-e2e-'));
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((program) => program.end()));
    rmSync(folder, { recursive: true });
  };
  try {
    const [client = 0, peer = 0, secure = 0] = await freePorts(3);
    const access = writeAccess(folder, secure);
    running.push(start(tools.etcd, etcdFlags(folder, client, peer), join(folder, 'etcd.log')));
    const flags = apiserverFlags(folder, client, secure);
    const startApiServer = async (): Promise<void> => {
      running.push(start(tools.kubeApiserver, flags, join(folder, 'apiserver.log')));
      await becomesReady(access, running);
    };
    await startApiServer();
    const { kubeconfig, url, token } = access;
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    return {
      kubeconfig,
      url,
      ca: readFileSync(access.caFile, 'utf8'),
      token,
      kubectl: (args, input) => runProgram(tools.kubectl, args, { env, input }),
      helm: (args, input) => runProgram(tools.helm, args, { env, input }),
      restartApiServer: async () => {
        await running.pop()?.end();
        await startApiServer();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** How the API is reached. */
interface Access {
  readonly kubeconfig: string;
  readonly url: string;
  readonly caFile: string;
  readonly token: string;
}

/** Writes what the API server needs to know its clients by, and a kubeconfig. */
function writeAccess(folder: string, port: number): Access {
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'service-accounts.key'), privateKey.export({ type: 'sec1', format: 'pem' }));
  writeFileSync(join(folder, 'tokens.csv'), `${token},e2e-admin,e2e-admin,"system:masters"\n`);
  const url = `https://127.0.0.1:${port}`;
  const caFile = join(folder, 'certs', 'apiserver.crt'); // self-signed: the certificate and its authority
  const kubeconfig = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'e2e', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'e2e-admin', user: { token } }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e-admin' } }],
    'current-context': 'e2e',
  };
  writeFileSync(kubeconfig, JSON.stringify(config)); // JSON is YAML
  return { kubeconfig, url, caFile, token };
}

function etcdFlags(folder: string, client: number, peer: number): readonly string[] {
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  return [
    '--name=e2e',
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync', // nothing outlives the test
    '--log-level=warn',
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=e2e=${peerUrl}`,
  ];
}

function apiserverFlags(folder: string, etcd: number, port: number): readonly string[] {
  const key = join(folder, 'service-accounts.key');
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, 'certs')}`,
    '--endpoint-reconciler-type=none', // it would refuse a loopback address
    `--service-cluster-ip-range=127.${randomInt(64, 128)}.${randomInt(256)}.0/24`, // a range for each of several control planes
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--anonymous-auth=false',
    '--authorization-mode=RBAC',
  ];
}

/** A program that runs in the background. */
interface Running {
  readonly log: string;
  readonly hasEnded: () => boolean;
  readonly end: () => Promise<void>;
}

/** Kills the program when standard input ends, so that it never outlives the tests, however they end. */
const withParent = `exec 3<&0
"$@" 3<&- </dev/null & program=$!
(read -r _ <&3; kill -KILL $program) & watcher=$!
wait $program; code=$?
kill $watcher; exit $code`;

function start(program: string, args: readonly string[], log: string): Running {
  const { HTTP_PROXY, HTTPS_PROXY, http_proxy, https_proxy, ...env } = process.env; // a proxy cannot reach loopback webhooks
  const output = openSync(log, 'w');
  const child = spawn('sh', ['-c', withParent, 'sh', program, ...args], { stdio: ['pipe', output, output], env });
  closeSync(output);
  child.stdin?.on('error', () => {}); // it ended by itself, which `hasEnded` tells
  const ended = once(child, 'exit');
  return {
    log,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    end: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}

async function becomesReady(access: Access, running: readonly Running[]): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!(existsSync(access.caFile) && (await isReady(access)))) {
    const ended = running.find((program) => program.hasEnded());
    if (ended) throw new Error(`the control plane did not start:\n${lastLines(ended.log)}`);
    if (Date.now() > deadline) {
      throw new Error(`the API server is not ready:\n${running.map(({ log }) => lastLines(log)).join('\n')}`);
    }
    await setTimeout(50);
  }
}

function isReady({ url, caFile, token }: Access): Promise<boolean> {
  const options = { ca: readFileSync(caFile), headers: { authorization: `Bearer ${token}` }, timeout: 5_000 };
  return new Promise((resolve) => {
    const request = get(`${url}/readyz`, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
}

/** Ports that nothing listens on. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port); // listens on TCP
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
