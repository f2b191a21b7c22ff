import { status } from '@grpc/grpc-js';
import { HttpError } from '../control-http/index.ts';
import type { Health } from '../grpc-kit/src/server/index.ts';
import type { Behaviour, BehaviourChange } from '../protocol/index.ts';

/** What the handler does to each call. */
export type CallBehaviour = Omit<Behaviour, 'serving'>;

/** @throws HttpError 400 that names the field; then nothing has changed. */
export function changeBehaviour(behaviour: CallBehaviour, health: Health, change: BehaviourChange): void {
  const { serving = {}, ...ofCalls } = change;
  if (ofCalls.failureCode !== undefined && !isFailure(ofCalls.failureCode)) {
    throw new HttpError(
      400,
      `failureCode: ${ofCalls.failureCode} is not the name of a failure's status code`,
    );
  }
  for (const service of Object.keys(serving)) {
    if (!Object.hasOwn(health.current(), service)) {
      throw new HttpError(400, `serving: there is no service "${service}", only "" and "greet.Greeter"`);
    }
  }
  Object.assign(behaviour, ofCalls);
  for (const [service, isServing] of Object.entries(serving)) health.set(service, isServing);
}

function isFailure(code: string): boolean {
  return code !== 'OK' && typeof status[code as keyof typeof status] === 'number';
}
