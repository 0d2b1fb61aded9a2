import { destinationRuleDeviations } from './destination-rules.ts';
import type { Deviation } from './deviation.ts';
import { gatewayApiDeviations } from './gateway-api.ts';
import { gatewayDeviations } from './gateways.ts';
import { policyDeviations } from './policies.ts';
import { serviceEntryDeviations } from './service-entries.ts';
import { surroundingsDeviations } from './surroundings.ts';
import { virtualServiceDeviations } from './virtual-services.ts';

/** All small mutations, by name. */
export const deviations: ReadonlyMap<string, Deviation> = new Map<string, Deviation>(
  [
    serviceEntryDeviations,
    gatewayDeviations,
    virtualServiceDeviations,
    destinationRuleDeviations,
    policyDeviations,
    surroundingsDeviations,
    gatewayApiDeviations,
  ].flatMap((group) => Object.entries(group)),
);
