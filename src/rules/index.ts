import { captureIsNotOverridden } from './capture-is-not-overridden.ts';
import { clientCertificateIsVerified } from './client-certificate-is-verified.ts';
import type { Rule } from './define.ts';
import { destinationRuleIsNotShadowed } from './destination-rule-is-not-shadowed.ts';
import { destinationRulesMergeCleanly } from './destination-rules-merge-cleanly.ts';
import { egressPolicyIsScoped } from './egress-policy-is-scoped.ts';
import { egressServerRequiresMeshIdentity } from './egress-server-requires-mesh-identity.ts';
import { envoyAcceptsListener } from './envoy-accepts-listener.ts';
import { exemptionIsCurrent } from './exemption-is-current.ts';
import { externalHostHasEgressPath } from './external-host-has-egress-path.ts';
import { externalPortIsCaptured } from './external-port-is-captured.ts';
import { externalServiceResolvesAtGateway } from './external-service-resolves-at-gateway.ts';
import { gatewayOriginatesTls } from './gateway-originates-tls.ts';
import { gatewayServersDoNotConflict } from './gateway-servers-do-not-conflict.ts';
import { hopSniMatchesHost } from './hop-sni-matches-host.ts';
import { hopTlsMatchesServer } from './hop-tls-matches-server.ts';
import { hopUsesIstioMutual } from './hop-uses-istio-mutual.ts';
import { legacyCertificatePath } from './legacy-certificate-path.ts';
import { noDoubleTls } from './no-double-tls.ts';
import { originationVerifiesCertificate } from './origination-verifies-certificate.ts';
import { outboundTrafficIsRegistryOnly } from './outbound-traffic-is-registry-only.ts';
import { schema } from './schema.ts';
import { subsetExists } from './subset-exists.ts';

/** All rules, sorted by name. */
export const rules: readonly Rule[] = [
  captureIsNotOverridden,
  clientCertificateIsVerified,
  destinationRuleIsNotShadowed,
  destinationRulesMergeCleanly,
  egressPolicyIsScoped,
  egressServerRequiresMeshIdentity,
  envoyAcceptsListener,
  exemptionIsCurrent,
  externalHostHasEgressPath,
  externalPortIsCaptured,
  externalServiceResolvesAtGateway,
  gatewayOriginatesTls,
  gatewayServersDoNotConflict,
  hopSniMatchesHost,
  hopTlsMatchesServer,
  hopUsesIstioMutual,
  legacyCertificatePath,
  noDoubleTls,
  originationVerifiesCertificate,
  outboundTrafficIsRegistryOnly,
  schema,
  subsetExists,
];
