import type { Disagreement } from './compare.ts';

/** A difference between the oracle and the tracer in one field. */
type Difference = Pick<Disagreement, 'field' | 'istio' | 'tracer'>;

/** What the oracle that computed the first cases, not Istio, has otherwise. The generator of fresh cases has none of it. */
interface Artefact {
  readonly differs: Difference;
  /** The cases that have it, and that have to go on having it. */
  readonly cases: readonly string[];
}

/** The whole list, so that nothing else hides behind it. */
const artefacts: readonly Artefact[] = [
  {
    // A handshake that fails over a name counts as `upstream` because `why` mentions `cluster`, as in `spiffe://cluster.local`.
    cases: ['c2.4-server-san-restricts', 'c4.6-san-of-external-host', 'gen-3-0013', 'gen-3-0326'],
    differs: { field: 'stage', istio: 'upstream', tracer: 'server' },
  },
  {
    // The oracle has no word for OPTIONAL_MUTUAL; the filter chain does have TLS.
    cases: ['c2.3-optional-mutual', 'gen-3-0214', 'gen-3-0251'],
    differs: { field: 'server.mode', istio: '', tracer: 'OPTIONAL_MUTUAL' },
  },
  {
    // The listener refers to a Secret, and the oracle had none: Istio left the listener out (conversion.go `buildSecretReference`).
    // Secrets are no part of the model: certificates are taken to be there. The path ends at the same stage either way.
    cases: ['gen-3-0105'],
    differs: { field: 'server.port', istio: 'absent', tracer: '5432' },
  },
  {
    cases: ['gen-3-0105'],
    differs: { field: 'server.mode', istio: 'absent', tracer: 'SIMPLE' },
  },
  {
    // The same; there a classic Gateway's plaintext server takes the port that the listener leaves free.
    cases: ['gen-3-0184'],
    differs: { field: 'server.mode', istio: '', tracer: 'SIMPLE' },
  },
];

/** The artefacts that a case has to have. */
export function artefactsOf(name: string): readonly Artefact[] {
  return artefacts.filter(({ cases }) => cases.includes(name));
}

/** The disagreements of a case that no artefact explains. */
export function unexplained(
  disagreements: readonly Disagreement[],
  known: readonly Artefact[],
): readonly Disagreement[] {
  return disagreements.filter((found) => !known.some(({ differs }) => differsAs(found, differs)));
}

/** True where a disagreement is a known difference. */
export function differsAs(found: Disagreement, known: Difference): boolean {
  return found.field === known.field && found.istio === known.istio && found.tracer === known.tracer;
}
