import { Command, CommanderError, Help, Option } from 'commander';
import { InputError } from '../input-error.ts';
import { type AccessFlags, access } from './access.ts';
import { type CheckFlags, check } from './check.ts';
import type { CommandContext } from './command-context.ts';
import { type ExplainFlags, explain } from './explain.ts';
import { type ReviewFlags, review } from './review.ts';
import { type RulesFlags, rules } from './rules.ts';
import type { ServeFlags } from './serve-options.ts';
import { styleOf, widthOf } from './terminal.ts';

/** The exit code where a command could not run: a bad flag, unreadable YAML, invalid settings. */
const couldNotRun = 2;

/**
 * Runs one command line, without the name of the program: `['check', 'egress.yaml']`. Returns the exit code: 0 if no error was found, 1 if
 * there are findings or a denial, 2 if the command could not run; why stands on stderr then. Bugs are thrown.
 */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<number> {
  const { stdout, stderr, env } = context.terminal;
  const output = { out: '', err: '' };
  const fail = async (message: string): Promise<number> => {
    const error = styleOf(stderr, env).severity.error('error:');
    await stderr.write(
      message
        .split('\n')
        .map((line) => `${error} ${line}\n`)
        .join(''),
    );
    return couldNotRun;
  };
  try {
    return await parse(args, context, output);
  } catch (error) {
    if (error instanceof InputError) return fail(error.message);
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) await stdout.write(output.out);
    else if (error.code === 'commander.help') await stderr.write(output.err);
    else return fail(oneLine(error.message));
    return error.exitCode === 0 ? 0 : couldNotRun;
  }
}

async function parse(
  args: readonly string[],
  context: CommandContext,
  output: { out: string; err: string },
): Promise<number> {
  let exitCode = 0;
  const run = async (command: Promise<number>): Promise<void> => {
    exitCode = await command;
  };
  const program = new Command('egress-guard')
    .description('Checks who reaches which external host through Istio egress gateways.')
    .version(context.engine.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        output.out += text;
      },
      writeErr: (text) => {
        output.err += text;
      },
      getOutHelpWidth: () => widthOf(context.terminal.stdout, context.terminal.env),
      getErrHelpWidth: () => widthOf(context.terminal.stderr, context.terminal.env),
      outputError: () => {}, // told once, where it is caught
    })
    .configureHelp({ minWidthToWrap: 20, optionDescription: describeOption });
  addCheck(program, context, run);
  addAccess(program, context, run);
  addExplain(program, context, run);
  addReview(program, context, run);
  addRules(program, context, run);
  addServe(program, context, run);
  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
}

type Run = (command: Promise<number>) => Promise<void>;

const pathsHelp = 'files, folders (all *.yaml, *.yml, *.json below), or - for standard input';

function addCheck(program: Command, context: CommandContext, run: Run): void {
  withSettings(program.command('check').description('Tell what is wrong with resources, or with a change of them.'))
    .argument('<path...>', pathsHelp)
    .option(
      '--against <path>',
      'the state before: judge the difference, as the webhook would (repeatable)',
      collect,
      [],
    )
    .option('--partial', 'further resources exist elsewhere: what they could resolve only warns', false)
    .option('--each', 'judge every file as a state of its own', false)
    .addOption(outputOption('text', 'json', 'sarif', 'junit', 'github'))
    .addHelpText('after', examples('check manifests/', 'check manifests/ --against main/manifests/ -o github'))
    .action((paths: readonly string[], flags: CheckFlags) => run(check(paths, flags, context)));
}

function addAccess(program: Command, context: CommandContext, run: Run): void {
  withSettings(program.command('access').description('Tell who reaches which external host, and how.'))
    .argument('<path...>', pathsHelp)
    .option('--from <ns[/sa]>', 'only this namespace or service account (repeatable)', collect, [])
    .option('--to <url>', 'only this target: http://HOST, tls://HOST, tcp://HOST:PORT (repeatable)', collect, [])
    .option('--labels <k=v,...>', 'labels of the client pods')
    .addOption(outputOption('text', 'json', 'csv'))
    .addHelpText(
      'after',
      examples('access manifests/', 'access manifests/ --from team-a --to http://api.example.com -o json'),
    )
    .action((paths: readonly string[], flags: AccessFlags) => run(access(paths, flags, context)));
}

function addExplain(program: Command, context: CommandContext, run: Run): void {
  withSettings(program.command('explain').description('Tell the story of one path, or what a rule demands.'))
    .argument('<path|rule...>', `${pathsHelp}; or the name of a rule`)
    .option('--from <ns[/sa]>', 'the client')
    .option('--to <url>', 'the target: http://HOST, tls://HOST, tcp://HOST:PORT')
    .option('--labels <k=v,...>', 'labels of the client pod')
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      examples('explain manifests/ --from team-a --to http://api.example.com', 'explain hop-sni-matches-host'),
    )
    .action((names: readonly string[], flags: ExplainFlags) => run(explain(names, flags, context)));
}

function addReview(program: Command, context: CommandContext, run: Run): void {
  withSettings(program.command('review').description('Answer an AdmissionReview from standard input offline.'))
    .argument('<path...>', `the mesh: ${pathsHelp.replace(', or - for standard input', '')}`)
    .addHelpText('after', examples('review manifests/ < review.json'))
    .action((paths: readonly string[], flags: ReviewFlags) => run(review(paths, flags, context)));
}

function addRules(program: Command, context: CommandContext, run: Run): void {
  program
    .command('rules')
    .description('List all rules.')
    .addOption(outputOption('text', 'json', 'markdown'))
    .addHelpText('after', examples('rules -o markdown'))
    .action((flags: RulesFlags) => run(rules(flags, context)));
}

function addServe(program: Command, context: CommandContext, run: Run): void {
  withSettings(program.command('serve').description('Run the admission webhook: POST /validate.'))
    .option('--files <path>', 'the mesh, instead of the cluster; followed when it changes (repeatable)', collect, [])
    .option('--kubeconfig <file>', 'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, or as a pod)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--host <address>', 'address to listen on', '0.0.0.0')
    .option('--port <port>', 'port of the webhook, HTTPS', '9443')
    .option('--ops-port <port>', 'port of /livez, /readyz and /metrics, HTTP', '9090')
    .option('--tls-cert <file>', 'certificate, PEM; followed when it changes')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-mode <mode>', 'self-managed, cert-manager or existing-secret (default: self-managed)')
    .option('--cert-secret <name>', 'Secret that holds the certificate or its authority')
    .option('--webhook-configuration <name>', 'ValidatingWebhookConfiguration whose caBundle is kept')
    .option('--service <name>', 'Service that the API server calls')
    .option('--namespace <ns>', 'namespace of the webhook (default: $POD_NAMESPACE)')
    .option('--shutdown-delay <duration>', 'serve on for so long after SIGTERM', '10s')
    .addHelpText(
      'after',
      examples('serve --context staging', 'serve --files manifests/ --tls-cert tls.crt --tls-key tls.key'),
    )
    .action(async (flags: ServeFlags) => {
      const { serve } = await import('./serve.ts'); // its libraries cost the other commands nothing
      await run(serve(flags, context));
    });
}

function withSettings(command: Command): Command {
  return command.option(
    '--settings <file>',
    'settings file (default: egress-guard.yaml of the working folder, if present)',
  );
}

function outputOption(...formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'output format').choices(formats).default(formats[0]);
}

function collect(value: string, values: readonly string[]): readonly string[] {
  return [...values, value];
}

function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ egress-guard ${line}`).join('\n')}\n`;
}

/** A flag that is off, and a list that is empty, have no default worth telling. */
function describeOption(option: Option): string {
  const { defaultValue, description } = option;
  const isTold = defaultValue !== false && !Array.isArray(defaultValue);
  return isTold ? new Help().optionDescription(option) : description;
}

/** `error: unknown option '--form'\n(Did you mean --from?)` on one line, in our grammar. */
function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(
      /^option '.*(--[\w-]+).*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s,
      "$1 '$2' is unknown; write one of $3",
    )
    .replace(/^(missing required argument '.*')$/, '$1; --help tells more')
    .replace(/\. Expected (.*)\.$/, '; expected $1')
    .replace(/\.?\n\((.*)\)$/s, '; $1')
    .replace('; Did', '; did')
    .trim();
}
