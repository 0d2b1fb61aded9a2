import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseSettings } from '../settings/parse-settings.ts';
import { defaultSettings, type Settings } from '../settings/settings.ts';
import { readText } from '../sources/read-files.ts';
import { type WatchedText, type WatchTextOptions, watchText } from '../sources/watch-text.ts';
import type { CommandContext } from './command-context.ts';

/** The settings file that is read where none is named. */
const defaultSettingsFile = 'egress-guard.yaml';

/** Settings that can be followed. */
export interface OpenSettings {
  /** What the file says now. */
  readonly settings: Settings;
  /** Calls `onChange` with every later state of the file. One that is not valid is an error, and changes nothing. */
  follow(
    listener: Pick<WatchTextOptions, 'onError' | 'onRecovery'> & { readonly onChange: (settings: Settings) => void },
  ): WatchedText;
}

/** Reads the named settings file, or the one of the working folder if there is one. Throws an InputError for one that is not valid. */
export function loadSettings(file: string | undefined, context: CommandContext): Settings {
  return openSettings(file, context).settings;
}

/** Does what `loadSettings` does, for a command that goes on running. */
export function openSettings(file: string | undefined, { terminal: { cwd }, engine }: CommandContext): OpenSettings {
  const name = file ?? defaultSettingsFile;
  const ruleNames = engine.rules.map((rule) => rule.name);
  const parse = (text: string): Settings => parseSettings(text, name, ruleNames);
  const isAbsent = file === undefined && !existsSync(resolve(cwd, name));
  const text = isAbsent ? undefined : readText(name, cwd);
  return {
    settings: text === undefined ? defaultSettings : parse(text),
    follow: ({ onChange, onError, onRecovery }) =>
      watchText({ file: name, cwd, text, use: (changed) => onChange(parse(changed)), onError, onRecovery }),
  };
}
