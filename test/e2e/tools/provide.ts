import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { isJsonObject } from '../../../src/istio/json-object.ts';
import { findGo, type Go } from './go.ts';
import { withLock } from './lock.ts';

/** Programs and files that tests with a real API server need. */
export interface Tools {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubectl: string;
  readonly helm: string;
  /** A folder of custom resource definitions: Istio's, the Gateway API's, cert-manager's and the Prometheus operator's. */
  readonly crds: string;
}

type Program = 'helm' | 'etcd' | 'kube-apiserver' | 'kubectl';

/** What a program is built from. */
interface Recipe {
  /** The folder beside this file that pins the modules. */
  readonly pins: string;
  readonly module: string;
  readonly package: string;
  /** Linker flags for the variables that hold its own version. */
  readonly versionFlags: (version: string) => string;
}

const kubernetes = { pins: 'kube-apiserver', module: 'k8s.io/kubernetes', versionFlags: kubernetesVersion };

const recipes: Readonly<Record<Program, Recipe>> = {
  helm: {
    pins: 'helm',
    module: 'helm.sh/helm/v4',
    package: 'helm.sh/helm/v4/cmd/helm',
    versionFlags: (version) => `-X helm.sh/helm/v4/internal/version.version=${version}`,
  },
  etcd: {
    pins: 'etcd',
    module: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    versionFlags: () => '', // it knows
  },
  'kube-apiserver': { ...kubernetes, package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  kubectl: { ...kubernetes, package: 'k8s.io/kubernetes/cmd/kubectl' },
};

/** The definitions in each module. The experimental channel of the Gateway API is a superset of the standard one; its policy (`_vap`) is left out. */
const definitions: Readonly<Record<string, string>> = {
  'istio.io/api': 'kubernetes/customresourcedefinitions.gen.yaml',
  'sigs.k8s.io/gateway-api': 'config/crd/experimental/gateway.networking.*k8s.io_[!v]*.yaml',
  'github.com/cert-manager/cert-manager': 'deploy/crds/cert-manager.io_*.yaml',
  'github.com/prometheus-operator/prometheus-operator':
    'example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules,servicemonitors}.yaml',
};

/**
 * The tools, from `KUBEBUILDER_ASSETS` (and helm from PATH) where that is set; what is not there is built from pinned Go modules
 * once and kept in the user's cache. Several processes may ask at once, and each may be interrupted.
 */
export async function provideTools(say: (line: string) => void): Promise<Tools> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'egress-guard', 'e2e');
  const programs = {
    etcd: placeOf('etcd', cache),
    kubeApiserver: placeOf('kube-apiserver', cache),
    kubectl: placeOf('kubectl', cache),
    helm: placeOf('helm', cache),
  };
  const tools = { ...programs, crds: join(cache, `crds-${definitionsVersion()}`) };
  if (!Object.values(tools).every((path) => existsSync(path))) {
    mkdirSync(cache, { recursive: true });
    const wait = (): void => say(`another process brings the tools into ${cache}; waiting for it`);
    await withLock(join(cache, 'lock'), () => bringTools(tools, cache, say), wait);
  }
  return tools;
}

/** Where a program is: where the user has it, or where it is built. */
function placeOf(program: Program, cache: string): string {
  const { pins, module } = recipes[program];
  return givenProgram(program) ?? join(cache, `${pins}-${pinnedVersion(pins, module)}`, program);
}

function givenProgram(program: Program): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (!assets) return undefined;
  const path = program === 'helm' ? (process.env['PATH'] ?? '').split(delimiter) : [];
  return [assets, ...path].map((folder) => join(folder, program)).find((file) => existsSync(file));
}

async function bringTools(tools: Tools, cache: string, say: (line: string) => void): Promise<void> {
  const go = await findGo(join(cache, 'go'), say);
  for (const leftover of globSync('{*/,}*.partial', { cwd: cache })) rmSync(join(cache, leftover), { recursive: true });
  if (!existsSync(tools.crds)) await bringDefinitions(go, tools.crds, say);
  for (const program of Object.keys(recipes).filter(isProgram)) {
    const file = placeOf(program, cache);
    if (!existsSync(file)) await build(go, program, file, say);
  }
}

function isProgram(name: string): name is Program {
  return name in recipes;
}

async function build(go: Go, program: Program, file: string, say: (line: string) => void): Promise<void> {
  const { pins, module, package: main, versionFlags } = recipes[program];
  const version = pinnedVersion(pins, module);
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1_000)} s`;
  let packages = 0;
  say(
    `${program} ${version}: building it, once (minutes; kube-apiserver, the largest, takes about six on two idle cores)`,
  );
  const ticker = setInterval(() => say(`${program} ${version}: ${packages} packages compiled, ${seconds()}`), 20_000);
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    const partial = `${file}.${process.pid}.partial`;
    const args = ['build', '-v', '-trimpath', '-ldflags', `-s -w ${versionFlags(version)}`, '-o', partial, main];
    await go.run(args, pinsFolder(pins), (line) => {
      if (!line.startsWith('go: ')) packages++;
    });
    renameSync(partial, file);
    say(`${program} ${version}: built in ${seconds()}`);
  } finally {
    clearInterval(ticker);
  }
}

async function bringDefinitions(go: Go, folder: string, say: (line: string) => void): Promise<void> {
  say('custom resource definitions: downloading their modules');
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  for (const [module, pattern] of Object.entries(definitions)) {
    const download: unknown = JSON.parse(await go.run(['mod', 'download', '-json', module], pinsFolder('crds')));
    const source = isJsonObject(download) ? String(download['Dir']) : '';
    const files = globSync(pattern, { cwd: source });
    if (files.length === 0) throw new Error(`no file of ${module} is named ${pattern}`);
    for (const file of files) await copyFile(join(source, file), join(partial, file.replaceAll('/', '_')));
  }
  renameSync(partial, folder);
}

function definitionsVersion(): string {
  return Object.keys(definitions)
    .map((module) => pinnedVersion('crds', module))
    .join('-');
}

/** The version of a module in the go.mod of a folder beside this file. */
function pinnedVersion(pins: string, module: string): string {
  const lines = readFileSync(join(pinsFolder(pins), 'go.mod'), 'utf8').split('\n');
  const words = lines
    .map((line) => line.trim().split(' '))
    .find(([name, version]) => name === module && version !== '=>');
  if (words?.[1] === undefined) throw new Error(`${pins}/go.mod does not pin ${module}`);
  return words[1];
}

function pinsFolder(pins: string): string {
  return join(import.meta.dirname, pins);
}

function kubernetesVersion(version: string): string {
  const [major = '', minor = ''] = version.replace('v', '').split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}
