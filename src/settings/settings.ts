import type { Severity } from '../analysis/finding.ts';
import type { Outcome } from '../egress/path.ts';
import type { Labels } from '../istio/resources.ts';

/** How strict decisions are: `audit` refuses nothing, `strict` also refuses what another resource could still resolve. */
type Preset = 'audit' | 'recommended' | 'strict';

/** Selects the pods of an egress gateway. */
export interface GatewaySelector {
  readonly namespace: string;
  readonly selector: Labels;
}

/** Switches rules off for named resources. */
export interface Exemption {
  readonly rules: readonly string[];
  /** Globs on `namespace/Kind/name`. */
  readonly resources: readonly string[];
  readonly reason: string;
  /** ISO date, valid through that day, UTC. */
  readonly expires?: string;
}

/** What a team declares about access; what it does not speak of is left open. */
export interface Expectation {
  readonly name: string;
  /** External hosts, as Istio's host relation covers them. */
  readonly hosts: readonly string[];
  /** The clients it speaks of: globs on namespaces and service accounts. Absent: all. */
  readonly from?: {
    readonly namespaces?: readonly string[];
    readonly serviceAccounts?: readonly string[];
  };
  /** What these clients get: one of these. */
  readonly outcome?: readonly Outcome[];
  /** What all other clients get: one of these. */
  readonly others?: readonly Outcome[];
  /** What none of these clients gets. */
  readonly never?: readonly Outcome[];
}

/** Where settings are written. */
interface SettingsSource {
  readonly file: string;
  readonly text: string;
}

/** What the one settings file says, with defaults filled in. */
export interface Settings {
  /** The file itself; absent where there is none and the defaults hold. */
  readonly source?: SettingsSource;
  readonly preset: Preset;
  /** Empty: derived from the Gateways that mesh routes lead to. */
  readonly egressGateways: readonly GatewaySelector[];
  /** Namespaces with sidecars that carry no injection label. */
  readonly clients: readonly string[];
  /** Where the mesh ConfigMap lives, and overrides of its values. */
  readonly istio: {
    readonly namespace: string;
    readonly revision: string;
    readonly meshConfig: Readonly<Record<string, unknown>>;
  };
  /** External hosts that may be reached without the gateway. */
  readonly directHosts: readonly string[];
  /** Namespaces whose cluster Services count as external hosts. */
  readonly externalNamespaces: readonly string[];
  /** Severity by rule name; rules that are not listed keep their own. */
  readonly rules: Readonly<Record<string, Severity | 'off'>>;
  readonly exemptions: readonly Exemption[];
  readonly expectations: readonly Expectation[];
}

/** The settings that hold where the file says nothing. */
export const defaultSettings: Settings = {
  preset: 'recommended',
  egressGateways: [],
  clients: [],
  istio: { namespace: 'istio-system', revision: '', meshConfig: {} },
  directHosts: [],
  externalNamespaces: [],
  rules: {},
  exemptions: [],
  expectations: [],
};
