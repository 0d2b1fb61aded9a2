import type { Guard, GuardOptions } from '../analysis/guard.ts';
import type { Settings } from '../settings/settings.ts';
import { readFiles } from '../sources/read-files.ts';
import type { Input } from '../sources/read-input.ts';
import type { CommandContext } from './command-context.ts';
import { showProgress } from './progress.ts';
import { writeNotes } from './terminal.ts';

/** Guards of manifests in files: what such input usually lacks is assumed. */
export const fileGuardOptions: GuardOptions = {
  today: () => new Date().toISOString().slice(0, 10),
  assumesGateways: true,
};

/** Files and the model of the mesh that they describe. */
export interface LoadedMesh {
  readonly input: Input;
  readonly guard: Guard;
}

/** Reads files into a mesh, and tells what was left out or assumed; of one state among several by its name. */
export async function loadMesh(
  paths: readonly string[],
  settings: Settings,
  context: CommandContext,
  state?: string,
): Promise<LoadedMesh> {
  const input = await readInput(paths, context);
  const guard = context.engine.createGuard(input.resources, settings, fileGuardOptions);
  const empty = input.resources.length === 0 ? ['no resource that egress-guard knows is in these files'] : [];
  const assumed = [...empty, ...guard.notes].map((note) => (state === undefined ? note : `${state}: ${note}`));
  await writeNotes(context.terminal, [...input.notes, ...assumed]);
  return { input, guard };
}

/** Reads files, and shows how far it has come where that takes long. */
export async function readInput(paths: readonly string[], { terminal }: CommandContext): Promise<Input> {
  const progress = showProgress(terminal, 'reading');
  try {
    return await readFiles(paths, { ...terminal, onFile: progress.tell });
  } finally {
    await progress.end();
  }
}

/** Tells which namespaces of a question occur in no resource: an answer about them rests on assumptions, or on a typing error. */
export async function noteUnknownClients(
  { resources }: Input,
  namespaces: readonly string[],
  { terminal }: CommandContext,
): Promise<void> {
  const known = new Set(
    resources.map(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace)),
  );
  const unknown = [...new Set(namespaces)].filter((namespace) => !known.has(namespace));
  await writeNotes(
    terminal,
    unknown.map((namespace) => `namespace '${namespace}' is not in the input: assumed to hold pods with sidecars`),
  );
}
