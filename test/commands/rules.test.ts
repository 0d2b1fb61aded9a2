import { expect, test } from 'vitest';
import { run, someRules } from './run-command.ts';

test('as text', async () => {
  expect(await run('rules')).toEqual({
    exitCode: 0,
    stdout:
      'external-port-is-captured  warning  Every port of an external service is routed to the gateway.\n' +
      'hop-sni-matches-host       error    The SNI sent to the egress gateway is the host that is routed.\n',
    stderr: '',
  });
});

test('as text for a narrow terminal', async () => {
  expect((await run('rules', { columns: 60 })).stdout).toBe(
    'external-port-is-captured  warning\n' +
      '  Every port of an external service is routed to the\n  gateway.\n' +
      'hop-sni-matches-host  error\n' +
      '  The SNI sent to the egress gateway is the host that is\n  routed.\n',
  );
});

test('as JSON', async () => {
  expect(JSON.parse((await run('rules -o json')).stdout)).toEqual({ rules: someRules });
});

test('as Markdown', async () => {
  expect((await run('rules -o markdown')).stdout).toBe(
    '| rule | severity | what must hold |\n| --- | --- | --- |\n' +
      '| `external-port-is-captured` | warning | Every port of an external service is routed to the gateway. |\n' +
      '| `hop-sni-matches-host` | error | The SNI sent to the egress gateway is the host that is routed. |\n',
  );
});
