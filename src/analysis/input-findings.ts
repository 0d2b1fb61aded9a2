import type { Departures } from '../istio/conform.ts';
import type { FieldRef } from '../istio/resources.ts';
import { exemptionIsCurrent } from '../rules/exemption-is-current.ts';
import { schema } from '../rules/schema.ts';
import type { Settings } from '../settings/settings.ts';
import { covers, hasExpired } from './exemptions.ts';
import type { Finding } from './finding.ts';
import type { Presentation } from './findings.ts';
import { type RawFinding, rawFinding } from './raw-findings.ts';

/** What a check may look at besides the mesh. */
export interface CheckInput {
  /** How resources depart from their schemas; absent for those of a cluster, which its API server has checked. */
  readonly departures?: readonly Departures[];
  /** True when further resources exist elsewhere: what they could resolve only warns. */
  readonly isPartial?: boolean;
  /** True when everything there is was given: an exemption that matches nothing is superfluous then. */
  readonly isFull?: boolean;
}

/** The findings about how resources are written. */
export function schemaFindings({ departures = [] }: CheckInput): readonly RawFinding[] {
  return departures.flatMap((found) => [...schema.check(found)].map((problem) => rawFinding(schema, problem)));
}

/** The findings about the exemptions of the settings, given all others. */
export function exemptionFindings(
  findings: readonly Finding[],
  { settings, today }: Pick<Presentation, 'settings' | 'today'>,
  { isFull = false }: CheckInput,
): readonly RawFinding[] {
  return settings.exemptions.flatMap((exemption, index) => {
    const isSuperfluous = isFull && !findings.some(({ rule, resource }) => covers(exemption, rule, resource));
    const at: FieldRef = { ...settingsRef(settings), field: `exemptions[${index}]` };
    const problems = exemptionIsCurrent.check({
      exemption,
      at,
      hasExpired: hasExpired(exemption, today),
      isSuperfluous,
    });
    return [...problems].map((problem) => rawFinding(exemptionIsCurrent, problem));
  });
}

/** The settings as findings point at them. */
export function settingsRef({ source }: Settings): FieldRef {
  return { kind: 'Settings', namespace: '', name: source?.file ?? 'settings', field: '' };
}
