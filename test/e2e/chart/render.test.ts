import { describe, expect, inject, test } from 'vitest';
import { chartFolder } from '../../chart/values.ts';
import { runProgram, succeeded } from '../run-program.ts';
import { resourcesOf, template, valuesFiles, valuesFlags } from './render-chart.ts';

const { helm } = inject('tools');

const everything = [
  'ClusterRole/egress-guard',
  'ClusterRoleBinding/egress-guard',
  'ConfigMap/egress-guard',
  'Deployment/egress-guard',
  'Lease/egress-guard',
  'Pod/egress-guard-test',
  'PodDisruptionBudget/egress-guard',
  'Role/egress-guard',
  'Role/egress-guard-audit',
  'Role/egress-guard-certificate',
  'Role/egress-guard-test',
  'RoleBinding/egress-guard',
  'RoleBinding/egress-guard-audit',
  'RoleBinding/egress-guard-certificate',
  'RoleBinding/egress-guard-test',
  'Service/egress-guard',
  'ServiceAccount/egress-guard',
  'ServiceAccount/egress-guard-test',
  'ValidatingWebhookConfiguration/egress-guard',
];

/** What differs from the defaults: resources that are there or not, and what stands in resources. */
interface Expectation {
  readonly more?: readonly string[];
  readonly less?: readonly string[];
  readonly match?: Readonly<Record<string, object>>;
}

const containing = (items: readonly unknown[]): unknown => expect.arrayContaining([...items]);
function pod(spec: object): object {
  return { spec: { template: { spec } } };
}

function container(fields: object): object {
  return pod({ containers: containing([expect.objectContaining({ name: 'egress-guard', ...fields })]) });
}

function webhooks(...fields: readonly object[]): object {
  return { webhooks: fields };
}

const expectations: Readonly<Record<string, Expectation>> = {
  'default-values.yaml': {
    match: {
      'Deployment/egress-guard': {
        spec: {
          replicas: 2,
          strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: {
            metadata: { labels: { 'sidecar.istio.io/inject': 'false', 'istio.io/dataplane-mode': 'none' } },
            spec: {
              automountServiceAccountToken: false,
              terminationGracePeriodSeconds: 45,
              securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
              topologySpreadConstraints: [
                { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
                { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
              ],
              containers: [
                {
                  image: 'egress-guard:0.1.0',
                  args: containing(['serve', '--tls-mode=self-managed', '--cert-secret=egress-guard-certificate']),
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                },
              ],
            },
          },
        },
      },
      'Role/egress-guard-audit': {
        rules: [{ resources: ['leases'], resourceNames: ['egress-guard'], verbs: ['get', 'update'] }],
      },
      'PodDisruptionBudget/egress-guard': { spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
      'ValidatingWebhookConfiguration/egress-guard': webhooks(
        { name: 'validate-core.egress-guard.io', failurePolicy: 'Ignore' },
        {
          name: 'validate.egress-guard.io',
          failurePolicy: 'Fail',
          timeoutSeconds: 5,
          sideEffects: 'None',
          namespaceSelector: {
            matchExpressions: [
              {
                key: 'kubernetes.io/metadata.name',
                operator: 'NotIn',
                values: ['kube-system', 'kube-public', 'kube-node-lease', 'egress-guard'],
              },
            ],
          },
        },
      ),
    },
  },
  'audit-values.yaml': {
    match: {
      'ConfigMap/egress-guard': {
        data: { 'settings.yaml': expect.stringMatching(/expires: "2027-03-31"[\s\S]*preset: audit/) },
      },
      'ValidatingWebhookConfiguration/egress-guard': webhooks({}, { failurePolicy: 'Ignore' }),
    },
  },
  'cert-manager-values.yaml': {
    more: [
      'Certificate/egress-guard-certificate',
      'Certificate/egress-guard-certificate-ca',
      'Issuer/egress-guard-certificate-ca',
      'Issuer/egress-guard-certificate-ca-self',
    ],
    match: {
      'Certificate/egress-guard-certificate': {
        spec: {
          secretName: 'egress-guard-certificate',
          dnsNames: ['egress-guard.egress-guard.svc'],
          issuerRef: { name: 'egress-guard-certificate-ca', kind: 'Issuer' },
        },
      },
      'Deployment/egress-guard': container({ args: containing(['--tls-mode=cert-manager']) }),
      'ValidatingWebhookConfiguration/egress-guard': {
        metadata: {
          annotations: {
            'cert-manager.io/inject-ca-from': 'egress-guard/egress-guard-certificate',
            'example.com/owner': 'platform',
          },
        },
      },
    },
  },
  'cert-manager-issuer-values.yaml': {
    more: ['Certificate/egress-guard-certificate'],
    match: {
      'Certificate/egress-guard-certificate': {
        spec: { duration: '720h', issuerRef: { name: 'corporate', kind: 'ClusterIssuer', group: 'cert-manager.io' } },
      },
    },
  },
  'existing-secret-values.yaml': {
    match: {
      'Deployment/egress-guard': container({
        args: containing(['--tls-mode=existing-secret', '--cert-secret=egress-guard-tls']),
      }),
      'Role/egress-guard-certificate': {
        rules: [{ resources: ['secrets'], resourceNames: ['egress-guard-tls'], verbs: ['get'] }],
      },
    },
  },
  'given-account-values.yaml': {
    less: [
      'ClusterRole/egress-guard',
      'ClusterRoleBinding/egress-guard',
      'PodDisruptionBudget/egress-guard',
      'Role/egress-guard',
      'Role/egress-guard-audit',
      'Role/egress-guard-certificate',
      'RoleBinding/egress-guard',
      'RoleBinding/egress-guard-audit',
      'RoleBinding/egress-guard-certificate',
      'ServiceAccount/egress-guard',
    ],
    match: { 'Deployment/egress-guard': pod({ serviceAccountName: 'platform-webhooks' }) },
  },
  'openshift-values.yaml': {
    match: { 'Deployment/egress-guard': pod({ securityContext: expect.not.objectContaining({ runAsUser: 65_532 }) }) },
  },
  'private-registry-values.yaml': {
    match: {
      'Deployment/egress-guard': {
        ...container({
          image: expect.stringMatching(
            /^registry\.example\.com:5000\/platform\/egress-guard:1\.0@sha256:0123456789abcdef/,
          ),
          imagePullPolicy: 'Always',
        }),
      },
      'Pod/egress-guard-test': { spec: { imagePullSecrets: [{ name: 'registry' }] } },
    },
  },
  'monitoring-values.yaml': {
    more: ['NetworkPolicy/egress-guard', 'ServiceMonitor/egress-guard'],
    match: {
      'NetworkPolicy/egress-guard': {
        spec: {
          ingress: [{ ports: [{ port: 'webhook' }] }, { ports: [{ port: 'ops' }], from: [{ namespaceSelector: {} }] }],
          egress: [{ ports: [{ port: 6443 }] }, { to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }],
        },
      },
      'ServiceMonitor/egress-guard': {
        metadata: { labels: { release: 'prometheus' } },
        spec: { endpoints: [{ port: 'http-ops', interval: '15s', metricRelabelings: [{ regex: 'pod' }] }] },
      },
    },
  },
  'host-network-values.yaml': {
    match: {
      'Deployment/egress-guard': pod({ hostNetwork: true, terminationGracePeriodSeconds: 60 }),
      'Service/egress-guard': { spec: { ports: [{ port: 8443, targetPort: 'webhook' }, { port: 10251 }] } },
      'ValidatingWebhookConfiguration/egress-guard': webhooks({}, { clientConfig: { service: { port: 8443 } } }),
    },
  },
  'extras-values.yaml': {
    more: ['ConfigMap/egress-guard-extra'],
    match: {
      'ConfigMap/egress-guard-extra': { data: { webhook: 'egress-guard' } },
      'Deployment/egress-guard': container({
        args: containing(['--host=0.0.0.0']),
        env: containing([{ name: 'NODE_OPTIONS', value: '--report-on-fatalerror' }]),
        volumeMounts: containing([{ name: 'reports', mountPath: '/reports' }]),
      }),
    },
  },
  'scheduling-values.yaml': {
    match: {
      'Deployment/egress-guard': pod({
        priorityClassName: 'system-cluster-critical',
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        securityContext: { runAsNonRoot: true, runAsUser: 1_000_740_000, runAsGroup: 0 },
        topologySpreadConstraints: [{ whenUnsatisfiable: 'DoNotSchedule' }],
      }),
      'PodDisruptionBudget/egress-guard': { spec: { maxUnavailable: '34%' } },
    },
  },
  'webhook-values.yaml': {
    match: {
      'ValidatingWebhookConfiguration/egress-guard': webhooks(
        { failurePolicy: 'Fail', timeoutSeconds: 10, matchConditions: [{ name: 'not-the-gitops-controller' }] },
        {
          failurePolicy: 'Fail',
          namespaceSelector: { matchExpressions: [{ values: ['kube-system', 'sandbox', 'egress-guard'] }] },
        },
      ),
    },
  },
  'names-values.yaml': {
    match: {
      'Deployment/egress-webhook': {
        metadata: { labels: { team: 'platform', 'app.kubernetes.io/name': 'guard' } },
        spec: {
          selector: { matchLabels: { 'app.kubernetes.io/name': 'guard' } },
          template: {
            metadata: {
              labels: { 'cost-center': '42', 'app.kubernetes.io/name': 'guard', 'sidecar.istio.io/inject': 'false' },
              annotations: { 'example.com/on-call': 'platform' },
            },
          },
        },
      },
      'Role/egress-webhook-test': { metadata: { namespace: 'sandbox' } },
      'Service/egress-webhook': { spec: { selector: { 'app.kubernetes.io/name': 'guard' } } },
    },
  },
  'revision-values.yaml': {
    less: [
      'Pod/egress-guard-test',
      'Role/egress-guard-test',
      'RoleBinding/egress-guard-test',
      'ServiceAccount/egress-guard-test',
    ],
    match: {
      'ConfigMap/egress-guard': {
        data: { 'settings.yaml': expect.stringContaining('external-service-is-bounded: "off"') },
      },
      'Role/egress-guard': {
        metadata: { namespace: 'mesh-system' },
        rules: [{ resources: ['configmaps'], resourceNames: ['istio-canary'] }],
      },
    },
  },
};

test('something is expected of every values file', () => {
  expect(Object.keys(expectations).sort()).toEqual(valuesFiles);
});

describe.each(valuesFiles)('%s', (file) => {
  test('is accepted by `helm lint --strict`', async () => {
    const { stdout, code } = await runProgram(helm, ['lint', '--strict', chartFolder, ...valuesFlags(file)]);
    expect(stdout).not.toMatch(/WARNING|ERROR/);
    expect(code).toBe(0);
  });

  test('is rendered as expected', async () => {
    const { more = [], less = [], match = {} } = expectations[file] ?? {};
    const resources = resourcesOf(succeeded(await template(helm, valuesFlags(file))));
    const expected = [...everything.filter((name) => !less.includes(name)), ...more].sort();
    const leases = [...resources.values()].filter(({ kind }) => kind === 'Lease');
    expect(leases.map((lease) => Object.keys(lease))).toEqual([['apiVersion', 'kind', 'metadata']]); // replicas write the rest
    if (file !== 'names-values.yaml') expect([...resources.keys()].sort()).toEqual(expected);
    for (const [name, fields] of Object.entries(match)) expect(resources.get(name), name).toMatchObject(fields);
  });
});

describe('values that cannot work are refused', () => {
  const digest = 'sha256:short';
  test.each([
    ['settings.presett=audit', "at '/settings': additional properties 'presett' not allowed"],
    ['settings.preset=audi', "at '/settings/preset': value must be one of 'audit', 'recommended', 'strict'"],
    [
      'settings.rules.hop-sni-matches-hots=error',
      "at '/settings/rules': additional properties 'hop-sni-matches-hots' not allowed",
    ],
    ['settings.exemptions[0].reason=why', "at '/settings/exemptions/0': missing properties 'rules', 'resources'"],
    ['replicaCount=3', "additional properties 'replicaCount' not allowed"],
    ['replicas=0', "at '/replicas': minimum: got 0, want 1"],
    ['tls.mode=none', "at '/tls/mode': value must be one of 'selfManaged', 'certManager', 'existingSecret'"],
    [`image.digest=${digest}`, `at '/image/digest': '${digest}' does not match pattern`],
    ['webhook.failurePolicy=Warn', "at '/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'"],
    ['webhook.timeoutSeconds=31', "at '/webhook/timeoutSeconds': maximum: got 31, want 30"],
    ['tls.mode=existingSecret', 'tls.existingSecret: it is empty, and tls.mode is existingSecret; name the Secret'],
    ['tls.existingSecret=x', "tls.existingSecret: tls.mode 'selfManaged' has a Secret of its own"],
    ['tls.certManager.issuerRef.name=x', "tls.certManager.issuerRef: tls.mode 'selfManaged' asks no issuer"],
    ['webhook.excludedNamespaces[0]=istio-system', "webhook.excludedNamespaces: 'istio-system' is the namespace"],
    ['settings.istio.namespace=egress-guard', "release namespace 'egress-guard': changes in it are not judged"],
    ['shutdownDelaySeconds=40', 'terminationGracePeriodSeconds: 45 is less than shutdownDelaySeconds and 20'],
    ['ports.ops=9443', 'ports.ops: 9443 is the port of the webhook, too'],
    ['serviceAccount.create=false', 'serviceAccount.name: it is empty, and none is made'],
    ['hostNetwork=true,networkPolicy.enabled=true', 'networkPolicy.enabled: a NetworkPolicy does not hold'],
    ['extraArgs[0]=--tls-mode=x', "extraArgs: '--tls-mode=x' is set by the chart; use its values"],
  ])('%s', async (set, message) => {
    const { code, stderr } = await template(helm, ['--set', set]);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  test('a namespace of an egress gateway that is not judged', async () => {
    const gateway = [{ namespace: 'kube-system', selector: { istio: 'egress' } }];
    const { stderr } = await template(helm, ['--set-json', `settings.egressGateways=${JSON.stringify(gateway)}`]);
    expect(stderr).toContain(
      "webhook.excludedNamespaces: 'kube-system' is the namespace of the control plane or of an egress",
    );
  });
});
