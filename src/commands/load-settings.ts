import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseSettings } from '../settings/parse-settings.ts';
import { defaultSettings, type Settings } from '../settings/settings.ts';
import { readText } from '../sources/read-files.ts';
import type { CommandContext } from './command-context.ts';

/** The settings file that is read where none is named. */
const defaultSettingsFile = 'egress-guard.yaml';

/** Reads the named settings file, or the one of the working folder if there is one. Throws an InputError for one that is not valid. */
export function loadSettings(file: string | undefined, { terminal, engine }: CommandContext): Settings {
  if (file === undefined && !existsSync(resolve(terminal.cwd, defaultSettingsFile))) return defaultSettings;
  const name = file ?? defaultSettingsFile;
  const ruleNames = engine.rules.map((rule) => rule.name);
  return parseSettings(readText(name, terminal.cwd), name, ruleNames);
}
