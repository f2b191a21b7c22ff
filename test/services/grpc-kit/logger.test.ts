import { expect, test } from 'vitest';
import { guardedLogger } from '../../../services/grpc-kit/src/logger.ts';

test('what a logger throws ends nothing, and the same logger is guarded once', () => {
  const said: string[] = [];
  const logger = {
    info: (message: string) => void said.push(message),
    warn: () => {
      throw new Error('no room left');
    },
  };
  const guarded = guardedLogger(logger);
  guarded.warn('lost');
  guarded.info('kept');
  expect(said).toEqual(['kept']);
  expect(guardedLogger(logger)).toBe(guarded);
});
