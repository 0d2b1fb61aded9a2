import { exemptionIsCurrent } from '../../src/rules/exemption-is-current.ts';
import { hopSniMatchesHost } from '../../src/rules/hop-sni-matches-host.ts';
import { testRule } from './test-rule.ts';

/** A DestinationRule with the SNI of another host. */
const yaml = hopSniMatchesHost.examples.bad;

testRule(exemptionIsCurrent, {
  valid: {
    'there is none': { settings: 'exemptions: []', yaml },
    'it exempts a finding': {
      settings: `
        exemptions:
        - { rules: [schema, hop-sni-matches-host], resources: [none/*/*, istio-*/DestinationRule/*], reason: NET-12 }
      `,
      yaml,
    },
    'it exempts a finding on its last day, which is today': {
      settings: `
        exemptions:
        - { rules: [hop-sni-matches-host], resources: ['**'], reason: NET-12, expires: 2026-01-01 }
      `,
      yaml,
    },
    'the rule is off': {
      settings: `
        rules: { exemption-is-current: off }
        exemptions:
        - { rules: [schema], resources: ['**'], reason: NET-12 }
      `,
      yaml,
    },
  },
  invalid: {
    'its last day has passed': {
      settings: `
        exemptions:
        - rules: [hop-sni-matches-host]
          resources: ['**']
          reason: NET-12
          expires: 2025-12-31  # ✗ the exemption for 'NET-12' is void: its last day is 2025-12-31
      `,
      yaml,
    },
    'no resource with a finding has such a name': {
      settings: `
        exemptions:
        - rules: [hop-sni-matches-host]  # ✗ the exemption for 'NET-12' matches no finding
          resources: [istio-*/Gateway/*]
          reason: NET-12
      `,
      yaml,
    },
    'the rule that it names has no finding, another has': {
      settings: `
        exemptions:
        - { rules: [hop-sni-matches-host], resources: ['**'], reason: NET-11 }
        - { rules: [schema], resources: ['**'], reason: NET-12 }  # ✗ the exemption for 'NET-12' matches no finding
      `,
      yaml,
    },
  },
});
