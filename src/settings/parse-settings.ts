import { LineCounter, parseDocument } from 'yaml';
import type { Outcome } from '../egress/path.ts';
import { displayPlace, InputError } from '../input-error.ts';
import { lineOf } from '../yaml/line-of.ts';
import { offsetOf } from '../yaml/offset-of.ts';
import { yamlOptions } from '../yaml/yaml-options.ts';
import { defaultSettings, type Exemption, type Expectation, type GatewaySelector, type Settings } from './settings.ts';
import { settingsSchema } from './settings-schema.ts';
import { validateSettings } from './validate-settings.ts';

/** The settings file once it is valid: what is not written is absent or null. */
interface SettingsFile {
  readonly preset?: Settings['preset'] | null;
  readonly egressGateways?: readonly GatewaySelector[] | null;
  readonly clients?: readonly string[] | null;
  readonly istio?: (Readonly<Record<string, unknown>> & { namespace?: string | null; revision?: string | null }) | null;
  readonly directHosts?: readonly string[] | null;
  readonly externalNamespaces?: readonly string[] | null;
  readonly rules?: Settings['rules'] | null;
  readonly exemptions?: readonly Exemption[] | null;
  readonly expectations?: readonly WrittenExpectation[] | null;
}

type WrittenExpectation = Omit<Expectation, 'outcome' | 'others' | 'never'> & {
  readonly [field in 'outcome' | 'others' | 'never']?: Outcome | readonly Outcome[] | null;
};

/**
 * Reads the settings file and fills in the defaults. `ruleNames` are the rules that may be named. Throws one InputError that tells every
 * problem with its line.
 */
export function parseSettings(text: string, file: string, ruleNames: readonly string[]): Settings {
  const counter = new LineCounter();
  const document = parseDocument(text, { ...yamlOptions, lineCounter: counter });
  const [error] = document.errors;
  if (error) {
    throw new InputError(
      `is not YAML: ${error.message}; mend it there`,
      { file, ...lineOf(text, error.pos[0]) },
      { cause: error },
    );
  }
  const value = toValue(() => document.toJS(), file);
  const problems = [...validateSettings(settingsSchema(ruleNames), value)];
  const lines = problems.map(({ path, message }) => {
    const { line, col } = counter.linePos(offsetOf(document, path));
    return `${displayPlace({ file, line, column: col })}: ${message}`;
  });
  if (lines.length > 0) throw new InputError(lines.join('\n'));
  const settings = withDefaults((value ?? {}) as SettingsFile); // the parsing edge: the schema has just been checked
  return { source: { file, text }, ...settings };
}

function toValue(read: () => unknown, file: string): unknown {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new InputError(`is not usable YAML: ${cause.message}; write it out`, { file }, { cause });
  }
}

function withDefaults(file: SettingsFile): Settings {
  const { namespace, revision, ...meshConfig } = file.istio ?? {};
  const istio = defaultSettings.istio;
  return {
    preset: file.preset ?? defaultSettings.preset,
    egressGateways: file.egressGateways ?? defaultSettings.egressGateways,
    clients: file.clients ?? defaultSettings.clients,
    istio: { namespace: namespace ?? istio.namespace, revision: revision ?? istio.revision, meshConfig },
    directHosts: file.directHosts ?? defaultSettings.directHosts,
    externalNamespaces: file.externalNamespaces ?? defaultSettings.externalNamespaces,
    rules: file.rules ?? defaultSettings.rules,
    exemptions: (file.exemptions ?? []).map(withoutNulls),
    expectations: (file.expectations ?? []).map(toExpectation),
  };
}

/** Fields that are written without a value are absent. */
function withoutNulls<T extends object>(value: T): T {
  if (!Object.values(value).includes(null)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)) as T;
}

function toExpectation(written: WrittenExpectation): Expectation {
  const { name, hosts, from } = written;
  const outcome = toList(written.outcome);
  const others = toList(written.others);
  const never = toList(written.never);
  return {
    name,
    hosts,
    ...(from && { from: withoutNulls(from) }),
    ...(outcome && { outcome }),
    ...(others && { others }),
    ...(never && { never }),
  };
}

function toList(value: Outcome | readonly Outcome[] | null | undefined): readonly Outcome[] | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === 'string' ? [value] : value;
}
