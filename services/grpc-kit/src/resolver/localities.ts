/** Where an endpoint is. */
export type Locality = { node?: string; zone?: string };

/** Localities by address, written as grpc-js writes it: `10.1.2.3:50051`, `[fd00::1]:50051`. */
export type Localities = ReadonlyMap<string, Locality>;
