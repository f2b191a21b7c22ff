import type { ServiceDefinition } from '@grpc/grpc-js';

/** `greet.Greeter`, from a method's path `/greet.Greeter/SayHello`. */
export function serviceName(definition: ServiceDefinition): string {
  const [method] = Object.values(definition);
  return method?.path.split('/')[1] ?? '';
}
