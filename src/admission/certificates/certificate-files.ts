import { readFile } from 'node:fs/promises';
import { InputError } from '../../input-error.ts';
import {
  type CertificateNames,
  type CertificateRecorder,
  type CertificateSource,
  parseCertificate,
  type ServingCertificate,
} from './certificate-source.ts';
import { repeat } from './repeat.ts';

/** How certificate files are watched. */
export interface WatchOptions extends CertificateRecorder {
  /** Milliseconds between two looks; default 10,000. */
  readonly intervalMs?: number;
}

/** Kubelets exchange a mounted Secret by a symbolic link, minutes late: looking is simpler than being told, and soon enough. */
const defaultIntervalMs = 10_000;

/**
 * Serves a certificate from two PEM files and follows their changes. A pair that cannot be used, such as a new certificate
 * beside the old key, is logged once and leaves the pair in use that was read before.
 * @throws InputError if the files cannot be used at the start.
 */
export async function watchCertificateFiles(
  files: CertificateNames,
  { log, metrics, intervalMs = defaultIntervalMs }: WatchOptions,
): Promise<CertificateSource> {
  const listeners: ((certificate: ServingCertificate) => void)[] = [];
  let current = await readCertificate(files);
  let lastProblem = '';
  metrics.inputBroken.set({ input: 'certificate' }, 0);
  const look = async (): Promise<void> => {
    try {
      const next = await readCertificate(files);
      lastProblem = '';
      metrics.inputBroken.set({ input: 'certificate' }, 0);
      if (next.cert === current.cert && next.key === current.key) return;
      current = next;
      log.info('certificate changed', { expires: new Date(next.expires).toISOString() });
      for (const listener of listeners) listener(next);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (error.message !== lastProblem) log.warn('certificate kept, the new one is broken', { error: error.message });
      lastProblem = error.message;
      metrics.inputBroken.set({ input: 'certificate' }, 1);
    }
  };
  const timer = repeat(look, () => intervalMs);
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.push(listener);
    },
    notReadyReasons: () => [], // it is not for this process to see whom API servers trust
    close: timer.stop,
  };
}

async function readCertificate(files: CertificateNames): Promise<ServingCertificate> {
  return parseCertificate(await readPem(files.cert, 'certificate'), await readPem(files.key, 'key'), files);
}

async function readPem(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    throw new InputError(`cannot read ${what} '${file}'${reason}; name a readable PEM file`, undefined, { cause });
  }
}
