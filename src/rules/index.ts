import { captureIsNotOverridden } from './capture-is-not-overridden.ts';
import type { Rule } from './define.ts';
import { destinationRuleIsNotShadowed } from './destination-rule-is-not-shadowed.ts';
import { egressPolicyIsScoped } from './egress-policy-is-scoped.ts';
import { exemptionIsCurrent } from './exemption-is-current.ts';
import { externalHostHasEgressPath } from './external-host-has-egress-path.ts';
import { externalPortIsCaptured } from './external-port-is-captured.ts';
import { externalServiceResolvesAtGateway } from './external-service-resolves-at-gateway.ts';
import { gatewayLegDoesNotLoop } from './gateway-leg-does-not-loop.ts';
import { gatewayLegIsBound } from './gateway-leg-is-bound.ts';
import { gatewayOriginatesTls } from './gateway-originates-tls.ts';
import { gatewayReferenceResolves } from './gateway-reference-resolves.ts';
import { gatewayRouteKeepsHost } from './gateway-route-keeps-host.ts';
import { gatewayServesHost } from './gateway-serves-host.ts';
import { hopSniMatchesHost } from './hop-sni-matches-host.ts';
import { hopTlsMatchesServer } from './hop-tls-matches-server.ts';
import { hopUsesIstioMutual } from './hop-uses-istio-mutual.ts';
import { meshRouteLeadsOnlyToGateway } from './mesh-route-leads-only-to-gateway.ts';
import { noDoubleTls } from './no-double-tls.ts';
import { portsLineUp } from './ports-line-up.ts';
import { routeSectionFitsServer } from './route-section-fits-server.ts';
import { schema } from './schema.ts';
import { subsetExists } from './subset-exists.ts';

/** All rules, sorted by name. */
export const rules: readonly Rule[] = [
  captureIsNotOverridden,
  destinationRuleIsNotShadowed,
  egressPolicyIsScoped,
  exemptionIsCurrent,
  externalHostHasEgressPath,
  externalPortIsCaptured,
  externalServiceResolvesAtGateway,
  gatewayLegDoesNotLoop,
  gatewayLegIsBound,
  gatewayOriginatesTls,
  gatewayReferenceResolves,
  gatewayRouteKeepsHost,
  gatewayServesHost,
  hopSniMatchesHost,
  hopTlsMatchesServer,
  hopUsesIstioMutual,
  meshRouteLeadsOnlyToGateway,
  noDoubleTls,
  portsLineUp,
  routeSectionFitsServer,
  schema,
  subsetExists,
];
