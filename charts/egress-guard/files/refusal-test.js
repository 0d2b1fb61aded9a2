// What the pod of `helm test` runs: creates a bad ServiceEntry through the API server, with a dry run, and expects egress-guard to object.
const { readFileSync } = require('node:fs');
const { request } = require('node:https');

const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, TEST_NAMESPACE: namespace } = process.env;
const folder = process.env.TOKEN_FOLDER ?? '/var/run/secrets/kubernetes.io/serviceaccount';
const seconds = Number(process.env.TEST_SECONDS ?? 60);

const rule = '(external-service-is-bounded)';
const serviceEntry = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'egress-guard-test', namespace },
  spec: {
    hosts: ['egress-guard-test.invalid'],
    addresses: ['0.0.0.0/0'],
    location: 'MESH_EXTERNAL',
    resolution: 'NONE',
    exportTo: ['.'],
    ports: [{ number: 9, name: 'tcp', protocol: 'TCP' }],
  },
};

function create() {
  return new Promise((resolve, reject) => {
    const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/serviceentries?dryRun=All`;
    const token = readFileSync(`${folder}/token`, 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const ca = readFileSync(`${folder}/ca.crt`);
    const call = request({ host, port, path, method: 'POST', headers, ca, timeout: 15_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, warning: response.headers.warning ?? '', body }));
    });
    call.on('timeout', () => call.destroy(new Error('the API server does not answer')));
    call.on('error', reject);
    call.end(JSON.stringify(serviceEntry));
  });
}

/** Undefined where egress-guard has not objected. */
function objection({ status, warning, body }) {
  if (status === 403 && body.includes('denied the request') && body.includes(rule)) {
    return `PASS: it is refused: ${JSON.parse(body).message}`;
  }
  if (status === 201 && warning.includes(rule)) {
    return `PASS: it is admitted with a warning, as the mesh (outboundTrafficPolicy) or the settings have it: ${warning}`;
  }
}

async function main() {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await create().catch((error) => ({ status: 0, warning: '', body: String(error) }));
    const said = objection(answer);
    if (said !== undefined) return console.log(said);
    if (Date.now() > deadline) {
      console.error(`FAIL: egress-guard does not object to a ServiceEntry for every address: ${answer.status} ${answer.body}`);
      process.exitCode = 1;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // a pod may not be ready yet
  }
}

main();
