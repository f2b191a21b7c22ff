// What `kubectl logs` asks for: read from a request by the API server, answered by the kubelet.
export type LogOptions = {
  container?: string;
  previous?: boolean;
  /** Goes on until the container ends, or the reader goes away. */
  follow?: boolean;
  timestamps?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  sinceTime?: string;
  limitBytes?: number;
};
