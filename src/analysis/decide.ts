import { anyAccount, otherAccounts } from '../egress/path.ts';
import { displayRef, idOf } from '../istio/resources.ts';
import type { Settings } from '../settings/settings.ts';
import type { Decision, Notice, Operation, Transition } from './decision.ts';
import type { AffectedPath, Finding } from './finding.ts';
import { messageOf, worstFirst } from './findings.ts';
import type { Judgement } from './judge-change.ts';

/** So many clients or hosts are named before the rest is counted. */
const named = 3;

/**
 * The decision about one change, first match wins: a door is denied; an interruption by CREATE or UPDATE is denied, by DELETE
 * warned of; an introduced contradiction of severity error is denied; all else warns. `strict` denies also what an absent
 * resource could resolve, `audit` denies nothing.
 */
export function decideOn(judgement: Judgement, operation: Operation, settings: Settings): Decision {
  const isStrict = settings.preset === 'strict';
  const isDenied = ({ name }: Transition): boolean =>
    name === 'door' || (name === 'interruption' && (isStrict || operation !== 'DELETE'));
  const denying = judgement.introduced.filter(
    (finding) => finding.severity === 'error' && (isStrict || !finding.incomplete),
  );
  const warning = [...judgement.introduced.filter((finding) => !denying.includes(finding)), ...judgement.uncovered];
  const groups = groupTransitions(unexplained(judgement.transitions, denying));
  const denials = [
    ...groups.filter(([first]) => isDenied(first)).map(transitionNotice),
    ...denying.toSorted(worstFirst).map(findingNotice),
  ];
  const warnings = [
    ...groups.filter(([first]) => !isDenied(first)).map(transitionNotice),
    ...warning.toSorted(worstFirst).map(findingNotice),
    ...judgement.retired.map(retirementNotice),
  ];
  const rules = new Set([
    ...judgement.transitions.map(({ name }) => name),
    ...[...denying, ...warning].map(({ rule }) => rule),
  ]);
  const sortedRules = [...rules].sort();
  if (settings.preset === 'audit') {
    return { allowed: true, denials: [], warnings: [...denials, ...warnings], rules: sortedRules };
  }
  return { allowed: denials.length === 0, denials, warnings, rules: sortedRules };
}

/** Transitions that say the same of several clients or hosts; never empty. */
type Group = readonly [Transition, ...Transition[]];

function groupTransitions(transitions: readonly Transition[]): readonly Group[] {
  const groups = new Map<string, [Transition, ...Transition[]]>();
  for (const transition of transitions) {
    const { name, to, before, after, reason, at } = transition;
    const was = name === 'door' && before !== after ? '' : before; // what a path was before a door opens changes nothing about it
    const key = [name, was, after, reason.replaceAll(to.host, ''), idOf(at), at.field].join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [transition]);
    else group.push(transition);
  }
  const order = { door: 0, interruption: 1, 'access change': 2 } as const;
  return [...groups.values()].sort(([a], [b]) => order[a.name] - order[b.name]);
}

/** The transitions without the interruptions of paths of which a finding tells, as it says why. */
function unexplained(transitions: readonly Transition[], findings: readonly Finding[]): readonly Transition[] {
  if (findings.length === 0 || transitions.every(({ name }) => name !== 'interruption')) return transitions;
  const explained = new Set(findings.flatMap(({ paths }) => paths.map(placeOf)));
  return transitions.flatMap((transition) => {
    if (transition.name !== 'interruption') return [transition];
    const from = transition.from.filter((client) => !explained.has(placeOf({ from: client, to: transition.to })));
    return from.length === 0 ? [] : [{ ...transition, from }];
  });
}

function placeOf({ from, to }: Pick<AffectedPath, 'from' | 'to'>): string {
  return `${from.namespace} ${to.host} ${to.port}`;
}

function transitionNotice(group: Group): Notice {
  const [first] = group;
  const { at } = first;
  return {
    reason: first.name,
    resource: displayRef(at),
    field: at.field,
    message: transitionText(group),
    transition: first,
  };
}

function transitionText(group: Group): string {
  const [{ name, before, after, reason, at, wayOut }] = group;
  const clients = listed(clientNames(group));
  const hosts = listed(group.map(({ to }) => `${to.host}:${to.port}`));
  const was = [...new Set(group.map((transition) => transition.before))].sort().join(' or ');
  const change = `${clients} → ${hosts}${before === after ? '' : `: ${was} → ${after}`}`;
  if (name === 'access change') return `access changes: ${change} (${reason})`;
  const where = `${displayRef(at)}${at.field === '' ? '' : ` ${at.field}`}`;
  return `${where}: ${change}: ${reason}; ${wayOut} (${name})`;
}

/** Namespaces, and where policies tell service accounts apart, those. */
function clientNames(group: Group): readonly string[] {
  const byNamespace = Map.groupBy(
    group.flatMap(({ from }) => from),
    ({ namespace }) => namespace,
  );
  return [...byNamespace].flatMap(([namespace, own]) => {
    const accounts = [...new Set(own.map(({ serviceAccount }) => serviceAccount))];
    if (accounts.includes(anyAccount)) return [namespace];
    return accounts.map((account) =>
      account === otherAccounts ? `other accounts of ${namespace}` : `${namespace}/${account}`,
    );
  });
}

/** `a, b, c and 4 more`. */
function listed(all: readonly string[]): string {
  const names = [...new Set(all)];
  const rest = names.length > named ? ` and ${names.length - named} more` : '';
  return `${names.slice(0, named).join(', ')}${rest}`;
}

/** A finding as one reason of a decision. */
export function findingNotice(finding: Finding): Notice {
  return {
    reason: finding.rule,
    resource: displayRef(finding.resource),
    field: finding.field,
    message: messageOf(finding),
    finding,
  };
}

function retirementNotice(host: string): Notice {
  return {
    reason: 'retirement',
    resource: '',
    field: '',
    message: `routes for '${host}' remain, though nothing registers the host any more; delete them, too (retirement)`,
  };
}
