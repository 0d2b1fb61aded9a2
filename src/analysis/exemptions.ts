import { minimatch } from 'minimatch';
import { type ResourceRef, writtenRef } from '../istio/resources.ts';
import type { Exemption } from '../settings/settings.ts';
import type { AppliedExemption } from './finding.ts';

/**
 * The exemption that covers a finding of a rule about a resource, if one is in force. `today` is an ISO date (UTC); an
 * exemption holds through the day that it names.
 */
export function exemptionFor(
  exemptions: readonly Exemption[],
  rule: string,
  resource: ResourceRef,
  today: string,
): AppliedExemption | undefined {
  const found = exemptions.find((exemption) => !hasExpired(exemption, today) && covers(exemption, rule, resource));
  if (found === undefined) return undefined;
  return { reason: found.reason, ...(found.expires === undefined ? {} : { expires: found.expires }) };
}

/** True when an exemption names a rule and a resource, whether or not it is in force. */
export function covers({ rules, resources }: Exemption, rule: string, resource: ResourceRef): boolean {
  if (!rules.includes(rule)) return false;
  const { kind, namespace, name } = writtenRef(resource);
  return resources.some((pattern) => minimatch(`${namespace}/${kind}/${name}`, pattern));
}

/** True from the day after the one that the exemption names. */
export function hasExpired({ expires }: Exemption, today: string): boolean {
  return expires !== undefined && expires < today;
}
