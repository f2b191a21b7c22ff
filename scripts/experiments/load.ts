// The load that experiments have in common.
import { formatDuration } from '../common/duration.ts';
import { LabError } from '../common/errors.ts';
import { EVEN } from '../history/index.ts';

/** A GOAWAY under load can refuse a stream that was just opened: worth another attempt. */
export const RETRY_UNAVAILABLE = {
  maxAttempts: 3,
  initialBackoffMs: 20,
  maxBackoffMs: 200,
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

/** With fewer, a window's count of calls depends on where it begins. */
const MIN_BURSTS_PER_SECOND = 10;

const largestBurst = (ratePerSecond: number): number =>
  Math.max(1, Math.floor(ratePerSecond / MIN_BURSTS_PER_SECOND));

/** Calls to start at once where nothing is said: a client that wakes up less often leaves the others more CPU. */
export const burstFor = (ratePerSecond: number): number => Math.min(10, largestBurst(ratePerSecond));

/** @throws LabError `usage` when bursts are so few that windows cannot be compared. */
export function refuseFewBursts({ burst, ratePerSecond }: { burst: number; ratePerSecond: number }): void {
  if (burst <= 1 || ratePerSecond / burst >= MIN_BURSTS_PER_SECOND) return;
  throw new LabError(
    'usage',
    `--burst ${burst} at --rate ${ratePerSecond} leaves fewer than ${MIN_BURSTS_PER_SECOND} bursts a second`,
    { hint: `Make it ${largestBurst(ratePerSecond)} or less.` },
  );
}

/** @throws LabError `usage` when pods get so few calls that nobody could tell whether their shares are even. */
export function refuseTooFewPerPod({
  servers,
  ratePerSecond,
}: {
  servers: number;
  ratePerSecond: number;
}): void {
  const neededRate = Math.ceil((EVEN.minCallsPerPod * servers * 1000) / EVEN.windowMs);
  if (ratePerSecond >= neededRate) return;
  throw new LabError(
    'usage',
    `--rate ${ratePerSecond} is too low to tell whether ${servers} pods get even shares`,
    {
      hint: `It takes ${EVEN.minCallsPerPod} calls per pod in ${formatDuration(EVEN.windowMs)}: --rate ${neededRate} or more.`,
    },
  );
}
