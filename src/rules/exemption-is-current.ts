import { defineRule } from './define.ts';

/** Exemptions are lifted when they are over. */
export const exemptionIsCurrent = defineRule({
  name: 'exemption-is-current',
  summary: 'Every exemption of the settings is in force and exempts something.',
  why: 'An exemption that has expired exempts nothing, and what it names counts again. One that matches nothing is a hole that waits for the next resource of that name.',
  severity: 'warning',
  subject: 'exemption',
  related: [],
  examples: {
    bad: `
exemptions:
- rules: [external-port-is-captured]
  resources: ["legacy-*/ServiceEntry/*"]
  reason: migration, ticket NET-12
  expires: 2025-03-31
`,
    good: `
exemptions: []
`,
  },

  *check({ exemption, at, hasExpired, isSuperfluous }) {
    const { rules, resources, reason, expires = '' } = exemption;
    const key = [...rules, ...resources].join(' ');
    if (hasExpired) {
      yield {
        at: { ...at, field: `${at.field}.expires` },
        key,
        message: `the exemption for '${reason}' is void: its last day is ${expires}`,
        fix: 'remove it, or give it a later day',
      };
    } else if (isSuperfluous) {
      yield { at, key, message: `the exemption for '${reason}' matches no finding`, fix: 'remove it' };
    }
  },
});
