import { allowRuleCanMatch } from './allow-rule-can-match.ts';
import { captureIsNotOverridden } from './capture-is-not-overridden.ts';
import { classicRouteIsNotOnWaypointHost } from './classic-route-is-not-on-waypoint-host.ts';
import { clientCertificateIsVerified } from './client-certificate-is-verified.ts';
import type { Rule } from './define.ts';
import { denyRuleCanMatch } from './deny-rule-can-match.ts';
import { denyRuleIsNotWiderThanWritten } from './deny-rule-is-not-wider-than-written.ts';
import { destinationRuleIsNotShadowed } from './destination-rule-is-not-shadowed.ts';
import { destinationRulesMergeCleanly } from './destination-rules-merge-cleanly.ts';
import { egressGatewayRoutesOnlyOutside } from './egress-gateway-routes-only-outside.ts';
import { egressPolicyIsAttached } from './egress-policy-is-attached.ts';
import { egressPolicyIsScoped } from './egress-policy-is-scoped.ts';
import { egressServerRequiresMeshIdentity } from './egress-server-requires-mesh-identity.ts';
import { egressServiceIsInternal } from './egress-service-is-internal.ts';
import { egressServiceIsVisible } from './egress-service-is-visible.ts';
import { envoyAcceptsListener } from './envoy-accepts-listener.ts';
import { envoyAcceptsSidecarListener } from './envoy-accepts-sidecar-listener.ts';
import { exemptionIsCurrent } from './exemption-is-current.ts';
import { externalHostHasEgressPath } from './external-host-has-egress-path.ts';
import { externalHostIsMeshExternal } from './external-host-is-mesh-external.ts';
import { externalPortIsCaptured } from './external-port-is-captured.ts';
import { externalServiceIsBounded } from './external-service-is-bounded.ts';
import { externalServiceIsNotHijacked } from './external-service-is-not-hijacked.ts';
import { externalServiceResolvesAtGateway } from './external-service-resolves-at-gateway.ts';
import { fromAndToBelongTogether } from './from-and-to-belong-together.ts';
import { gatewayLegDoesNotLoop } from './gateway-leg-does-not-loop.ts';
import { gatewayLegIsBound } from './gateway-leg-is-bound.ts';
import { gatewayListenerTerminatesMeshTls } from './gateway-listener-terminates-mesh-tls.ts';
import { gatewayOriginatesTls } from './gateway-originates-tls.ts';
import { gatewayReferenceResolves } from './gateway-reference-resolves.ts';
import { gatewayRouteKeepsHost } from './gateway-route-keeps-host.ts';
import { gatewaySelectsAWorkload } from './gateway-selects-a-workload.ts';
import { gatewaySelectsOneRole } from './gateway-selects-one-role.ts';
import { gatewayServersDoNotConflict } from './gateway-servers-do-not-conflict.ts';
import { gatewayServesHost } from './gateway-serves-host.ts';
import { hopLeadsToGatewayPods } from './hop-leads-to-gateway-pods.ts';
import { hopSniMatchesHost } from './hop-sni-matches-host.ts';
import { hopSniServesOneHost } from './hop-sni-serves-one-host.ts';
import { hopTlsMatchesServer } from './hop-tls-matches-server.ts';
import { hopUsesIstioMutual } from './hop-uses-istio-mutual.ts';
import { hostDenyCoversPorts } from './host-deny-covers-ports.ts';
import { hostIsLowerCase } from './host-is-lower-case.ts';
import { legacyCertificatePath } from './legacy-certificate-path.ts';
import { meshRouteLeadsOnlyToGateway } from './mesh-route-leads-only-to-gateway.ts';
import { meshTlsHasNoCertificates } from './mesh-tls-has-no-certificates.ts';
import { meshTlsStaysInMesh } from './mesh-tls-stays-in-mesh.ts';
import { meshWidePolicyReachesGateway } from './mesh-wide-policy-reaches-gateway.ts';
import { noDoubleTls } from './no-double-tls.ts';
import { originationIsPrivateToGateway } from './origination-is-private-to-gateway.ts';
import { originationVerifiesCertificate } from './origination-verifies-certificate.ts';
import { originationVerifiesHost } from './origination-verifies-host.ts';
import { outboundTrafficIsRegistryOnly } from './outbound-traffic-is-registry-only.ts';
import { passthroughSniStaysWithinServer } from './passthrough-sni-stays-within-server.ts';
import { peerAuthenticationDoesNotGuardEgress } from './peer-authentication-does-not-guard-egress.ts';
import { portProtocolIsPlausible } from './port-protocol-is-plausible.ts';
import { portsLineUp } from './ports-line-up.ts';
import { routeDestinationExists } from './route-destination-exists.ts';
import { routeSectionFitsServer } from './route-section-fits-server.ts';
import { schema } from './schema.ts';
import { serviceHostIsQualified } from './service-host-is-qualified.ts';
import { sniPolicyBindsRoute } from './sni-policy-binds-route.ts';
import { subsetExists } from './subset-exists.ts';
import { tcpRouteCapturesOnlyItsService } from './tcp-route-captures-only-its-service.ts';
import { tcpServerHasOneDestination } from './tcp-server-has-one-destination.ts';
import { tlsServerHasOneDestination } from './tls-server-has-one-destination.ts';
import { waypointExists } from './waypoint-exists.ts';
import { waypointOriginatesTls } from './waypoint-originates-tls.ts';
import { waypointServiceHasPolicy } from './waypoint-service-has-policy.ts';
import { waypointServiceIsNotOpenToSidecars } from './waypoint-service-is-not-open-to-sidecars.ts';

/** All rules, sorted by name. */
export const rules: readonly Rule[] = [
  allowRuleCanMatch,
  captureIsNotOverridden,
  classicRouteIsNotOnWaypointHost,
  clientCertificateIsVerified,
  denyRuleCanMatch,
  denyRuleIsNotWiderThanWritten,
  destinationRuleIsNotShadowed,
  destinationRulesMergeCleanly,
  egressGatewayRoutesOnlyOutside,
  egressPolicyIsAttached,
  egressPolicyIsScoped,
  egressServerRequiresMeshIdentity,
  egressServiceIsInternal,
  egressServiceIsVisible,
  envoyAcceptsListener,
  envoyAcceptsSidecarListener,
  exemptionIsCurrent,
  externalHostHasEgressPath,
  externalHostIsMeshExternal,
  externalPortIsCaptured,
  externalServiceIsBounded,
  externalServiceIsNotHijacked,
  externalServiceResolvesAtGateway,
  fromAndToBelongTogether,
  gatewayLegDoesNotLoop,
  gatewayLegIsBound,
  gatewayListenerTerminatesMeshTls,
  gatewayOriginatesTls,
  gatewayReferenceResolves,
  gatewayRouteKeepsHost,
  gatewaySelectsAWorkload,
  gatewaySelectsOneRole,
  gatewayServersDoNotConflict,
  gatewayServesHost,
  hopLeadsToGatewayPods,
  hopSniMatchesHost,
  hopSniServesOneHost,
  hopTlsMatchesServer,
  hopUsesIstioMutual,
  hostDenyCoversPorts,
  hostIsLowerCase,
  legacyCertificatePath,
  meshRouteLeadsOnlyToGateway,
  meshTlsHasNoCertificates,
  meshTlsStaysInMesh,
  meshWidePolicyReachesGateway,
  noDoubleTls,
  originationIsPrivateToGateway,
  originationVerifiesCertificate,
  originationVerifiesHost,
  outboundTrafficIsRegistryOnly,
  passthroughSniStaysWithinServer,
  peerAuthenticationDoesNotGuardEgress,
  portProtocolIsPlausible,
  portsLineUp,
  routeDestinationExists,
  routeSectionFitsServer,
  schema,
  serviceHostIsQualified,
  sniPolicyBindsRoute,
  subsetExists,
  tcpRouteCapturesOnlyItsService,
  tcpServerHasOneDestination,
  tlsServerHasOneDestination,
  waypointExists,
  waypointOriginatesTls,
  waypointServiceHasPolicy,
  waypointServiceIsNotOpenToSidecars,
];
