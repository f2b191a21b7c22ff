/** What can be cancelled, as grpc-js's calls can. */
type Cancellable = { cancel: () => void };

/** A client's calls in flight: whoever closes it waits for them. */
export class ActiveCalls {
  readonly #calls = new Set<Cancellable>();
  #idle: (() => void) | undefined;

  add(call: Cancellable): void {
    this.#calls.add(call);
  }

  delete(call: Cancellable): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#idle?.();
  }

  /** Resolves when none is left: at the latest soon after `timeoutMs`, when those that are still open are cancelled. */
  async end(timeoutMs: number): Promise<void> {
    if (this.#calls.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    const cancel = (): void => {
      for (const call of this.#calls) call.cancel();
    };
    if (timeoutMs <= 0) cancel();
    const timer = setTimeout(cancel, timeoutMs);
    await idle;
    clearTimeout(timer);
  }
}
