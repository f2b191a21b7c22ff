import { status } from '@grpc/grpc-js';
import { HttpError } from '../control-http/index.ts';
import type { Behaviour, BehaviourChange } from '../protocol/index.ts';
import { type Health, healthServices } from './health.ts';

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
    if (!healthServices.some((known) => known === service)) {
      throw new HttpError(400, `serving: there is no service "${service}", only "" and "greet.Greeter"`);
    }
  }
  Object.assign(behaviour, ofCalls);
  health.set(serving);
}

function isFailure(code: string): boolean {
  return code !== 'OK' && typeof status[code as keyof typeof status] === 'number';
}
