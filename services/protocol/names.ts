// Names and ports that the lab and its pods agree on.

/** Port on which greeter-server speaks gRPC (h2c). */
export const GRPC_PORT = 50051;

/** Port of the HTTP control endpoint, on every greeter-server and greeter-client pod. */
export const CONTROL_PORT = 8080;

/**
 * Header that carries the lab's token to a control endpoint. Not `Authorization`: the API server's pod proxy
 * strips that one.
 */
export const TOKEN_HEADER = 'x-lab-token';

/** Request metadata: which client is calling, as `<workload id>@<pod name>`; servers count by it. */
export const CLIENT_METADATA = 'lab-client';

/** Request metadata: the call's sequence number in its workload. Call id + previous attempts = attempt id. */
export const CALL_METADATA = 'lab-call';

/** Response metadata: the pod that answered. */
export const POD_METADATA = 'lab-pod';

/** Response metadata: the node of the pod that answered. */
export const NODE_METADATA = 'lab-node';

/** Response metadata: how many attempts of this call came before, as the server was told. */
export const PREVIOUS_ATTEMPTS_METADATA = 'lab-previous-attempts';

/**
 * Request metadata that gRPC adds to a retry: how many attempts came before this one.
 * Source: gRPC proposal A6, "Client Retries".
 */
export const GRPC_PREVIOUS_ATTEMPTS_METADATA = 'grpc-previous-rpc-attempts';
