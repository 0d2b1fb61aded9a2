import type { DecisionContext } from '../admission/answer-review.ts';
import { LiveGuard } from '../admission/live-guard.ts';
import type { Log, LogFields } from '../admission/log.ts';
import type { Metrics } from '../admission/metrics.ts';
import type { Decision } from '../analysis/decision.ts';
import type { Change } from '../analysis/guard.ts';
import type { InputError } from '../input-error.ts';
import { watchFiles } from '../sources/watch-files.ts';
import type { CommandContext } from './command-context.ts';
import { fileGuardOptions } from './load-mesh.ts';
import { openSettings } from './load-settings.ts';

/** Which files say what the mesh is and how it is judged. */
export interface MeshFiles {
  readonly paths: readonly string[];
  /** Absent: the one of the working folder, if there is one. */
  readonly settings?: string;
}

/** Where a mesh that is followed leaves its trace. */
export interface MeshRecorder {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A mesh that is kept up to date until `close` is called. */
export interface FollowedMesh {
  /** Judges a change without keeping it. Throws before the mesh is known. */
  decide(change: Change, context: DecisionContext): Decision | Promise<Decision>;
  /** Which state is judged now. */
  version(): string;
  /** Why nothing can be judged yet, one clause each. */
  notReadyReasons(): readonly string[];
  /** Why only a restart helps, one clause each. */
  notAliveReasons(): readonly string[];
  isNamespaceTerminating(namespace: string): boolean;
  close(): Promise<void>;
}

/**
 * Reads files and settings, and reads them again whenever they change. What becomes unreadable leaves its last good state in force; log
 * and metrics say so. Throws an InputError for what cannot be read to begin with.
 */
export function followMesh(
  { paths, settings: settingsFile }: MeshFiles,
  context: CommandContext,
  recorder: MeshRecorder,
): FollowedMesh {
  const { log, metrics } = recorder;
  const { createGuard, rules } = context.engine;
  const settings = openSettings(settingsFile, context);
  const started = performance.now();
  const report = (message: string, since: number, fields: LogFields = {}): void => {
    const ms = Math.round(performance.now() - since);
    const { resources, notes } = files.input;
    const { version, notes: assumptions } = guard;
    log.info(message, { ...fields, resources: resources.length, version, ms, notes: [...notes, ...assumptions] });
  };
  const files = watchFiles({
    paths,
    cwd: context.terminal.cwd,
    onChanges: (changes) => {
      const since = performance.now();
      guard.apply(changes);
      report('mesh changed', since, { changes: changes.length });
    },
    ...tellOf('files', recorder),
  });
  const deps = { createGuard, options: fileGuardOptions, rules, metrics };
  const guard = new LiveGuard(files.input.resources, settings.settings, deps);
  report('mesh loaded', started);
  const followed = settings.follow({
    onChange: (changed) => {
      const since = performance.now();
      guard.reconfigure(changed);
      report('settings changed', since);
    },
    ...tellOf('settings', recorder),
  });
  return {
    decide: (change) => guard.decide(change),
    version: () => guard.version,
    notReadyReasons: () => [], // what can be read was read
    notAliveReasons: () => [],
    isNamespaceTerminating: () => false, // no file says so
    close: async () => {
      files.close();
      followed.close();
    },
  };
}

/** Listeners that tell when an input breaks and when it is whole again. */
export function tellOf(input: 'files' | 'settings', { log, metrics }: MeshRecorder) {
  metrics.inputBroken.set({ input }, 0);
  return {
    onError: (error: InputError): void => {
      metrics.inputBroken.set({ input }, 1);
      log.warn(`${input} cannot be used, their last good state holds`, { error: error.message });
    },
    onRecovery: (): void => {
      metrics.inputBroken.set({ input }, 0);
      log.info(`${input} can be used again`);
    },
  };
}
