import type { SchemaProblem } from '../istio/conform.ts';
import { defineRule } from './define.ts';

/** Resources are written as their schema says: for files, which no API server has checked. */
export const schema = defineRule({
  name: 'schema',
  summary: 'Resources have the fields, types and values that their schema knows.',
  why: 'The API server drops a field that it does not know, or refuses the whole object. A misspelt `sni_hosts` is simply gone, and the route matches other traffic than it says. In a cluster it cannot be found any more: only files are checked.',
  severity: 'error',
  subject: 'schema',
  related: ['IST0106'],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: partner }
spec:
  hosts: [partner.example.org]
  tls:
  - match: [{ port: 443, sni_hosts: [partner.example.org] }]
    route:
    - destination: { host: partner.example.org, port: { number: 443 } }
`,
    good: `
kind: VirtualService
metadata: { namespace: istio-egress, name: partner }
spec:
  hosts: [partner.example.org]
  tls:
  - match: [{ port: 443, sniHosts: [partner.example.org] }]
    route:
    - destination: { host: partner.example.org, port: { number: 443 } }
`,
  },

  *check({ resource, problems }) {
    const meant = problems.map(meantPath).filter((path) => path !== undefined);
    const counts = new Map<string, number>();
    for (const problem of problems) {
      if (problem.kind === 'missing-field' && meant.some((path) => isAtOrBelow(problem.path, path))) continue; // misspelt, which is told
      const what = `${problem.kind} ${problem.path.replace(/\[\d+\]/g, '[]')}`;
      const count = (counts.get(what) ?? 0) + 1;
      counts.set(what, count);
      yield {
        at: { ...resource, field: problem.path },
        key: count === 1 ? what : `${what} (${count})`, // every placement is told, and none is named by its index
        message: problem.message,
        fix: fixOf(problem),
      };
    }
  },
});

/** The path of the field that was probably meant. */
function meantPath({ path, suggestion }: SchemaProblem): string | undefined {
  return suggestion === undefined ? undefined : path.replace(/[^.]+$/, suggestion);
}

function isAtOrBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && /^(?:$|[.[])/.test(path.slice(ancestor.length));
}

function fixOf({ kind, suggestion }: SchemaProblem): string {
  if (suggestion !== undefined) return `write \`${suggestion}\``;
  switch (kind) {
    case 'unknown-field':
      return 'remove it: the API server drops or refuses it';
    case 'wrong-type':
      return 'write a value of that type';
    case 'wrong-enum':
      return 'choose one of them';
    case 'missing-field':
      return 'add it';
  }
}
