/** `errored`: the probe could not be made; it says nothing about the container. */
export type ProbeResult = { result: 'success' | 'failure' | 'errored'; text: string };

export const success = (text = ''): ProbeResult => ({ result: 'success', text });
export const failure = (text: string): ProbeResult => ({ result: 'failure', text });
