/** The signals that end a server; `process` is one. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

/** How a server ends. */
export interface ShutdownOptions {
  readonly signals: SignalSource;
  /** Milliseconds between a signal and `stop`. */
  readonly delayMs: number;
  /** Called once, when the first signal comes. */
  readonly onDrain: () => void;
  /** Closes everything and resolves with the exit code. */
  readonly stop: () => Promise<number>;
}

/** The end of a server. */
export interface Shutdown {
  /** True from the first signal, or `close`, on. */
  readonly isDraining: () => boolean;
  /** Stops without delay, if that has not happened yet; resolves as `done` does. */
  readonly close: () => Promise<number>;
  /** The exit code, once `stop` has ended. */
  readonly done: Promise<number>;
}

/**
 * Waits for SIGTERM or SIGINT. The first signal starts the delay, a second one ends it; a third one, while `stop` runs, does what
 * signals do to a process that does not listen: it kills it.
 */
export function awaitShutdown({ signals, delayMs, onDrain, stop }: ShutdownOptions): Shutdown {
  const done = Promise.withResolvers<number>();
  let phase: 'serving' | 'draining' | 'stopping' = 'serving';
  let timer: NodeJS.Timeout | undefined;
  const close = (): Promise<number> => {
    if (phase !== 'stopping') {
      phase = 'stopping';
      clearTimeout(timer);
      signals.off('SIGTERM', onSignal);
      signals.off('SIGINT', onSignal);
      stop().then(done.resolve, done.reject);
    }
    return done.promise;
  };
  const onSignal = (): void => {
    if (phase === 'draining') {
      close();
      return;
    }
    phase = 'draining';
    onDrain();
    timer = setTimeout(close, delayMs);
  };
  signals.on('SIGTERM', onSignal);
  signals.on('SIGINT', onSignal);
  return { isDraining: () => phase !== 'serving', close, done: done.promise };
}
