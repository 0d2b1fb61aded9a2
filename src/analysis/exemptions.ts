import { minimatch } from 'minimatch';
import { displayKind, type ResourceRef } from '../istio/resources.ts';
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
  const name = `${resource.namespace}/${displayKind(resource.kind)}/${resource.name}`;
  const found = exemptions.find(
    (exemption) =>
      exemption.rules.includes(rule) &&
      (exemption.expires === undefined || exemption.expires >= today) &&
      exemption.resources.some((pattern) => minimatch(name, pattern)),
  );
  if (found === undefined) return undefined;
  return { reason: found.reason, ...(found.expires === undefined ? {} : { expires: found.expires }) };
}
