/** One JSON line on stdout, where `kubectl logs` and tests find it. */
export function log(event: string, details: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
}
