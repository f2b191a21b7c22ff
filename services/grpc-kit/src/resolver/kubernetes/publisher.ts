// Decides when what was found goes to the channel: all of it within 50 ms. Endpoints that are new go at once; one that
// is in no slice any more is kept for a moment, as it may be on its way from one to another; and a flapping pod must not
// keep the channel busy.
import { type Endpoint, endpointToString, subchannelAddressToString } from '../../grpc-experimental.ts';
import type { Locality } from '../localities.ts';
import type { Resolution } from '../sharing.ts';
import { byAddress } from './endpoints.ts';

export type PublisherTimes = {
  /** For how long an endpoint that has vanished is kept. */
  holdMs: number;
  /** At least this between two. */
  spacingMs: number;
};

/**
 * What has vanished waits for both at worst. The spacing need not be more: kube-controller-manager, which writes the
 * slices, makes 20 requests a second (its option `--kube-api-qps`).
 */
const defaultTimes: PublisherTimes = { holdMs: 40, spacingMs: 10 };

/** @param publish is called with each resolution that differs from the one before, in `update` or later. */
export function createPublisher(publish: (resolution: Resolution) => void, times = defaultTimes) {
  let latest: Resolution | undefined;
  let refused: ReadonlySet<string> = new Set();
  let published: Resolution | undefined;
  let publishedText: string | undefined;
  let publishedMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  /** Since when endpoints that are published, by their text, have not been there any more. */
  const missing = new Map<string, number>();

  function noteMissing(nowMs: number): void {
    if (!published?.ok) return;
    const there = new Set(latest?.ok ? latest.endpoints.flatMap(addressTexts) : []);
    for (const endpoint of published.endpoints) {
      const key = endpointToString(endpoint);
      // An endpoint that gains or loses an address is not missing, it is another one.
      if (addressTexts(endpoint).some((address) => there.has(address))) missing.delete(key);
      else if (!missing.has(key)) missing.set(key, nowMs);
    }
  }

  function look(): void {
    clearTimeout(timer);
    if (!latest) return;
    const nowMs = performance.now();
    const wanted = withHeld(latest, nowMs);
    const text = textOf(wanted);
    if (text !== publishedText) {
      const dueMs = publishedMs + times.spacingMs;
      if (dueMs > nowMs) {
        lookAt(dueMs);
        return;
      }
      published = wanted;
      publishedText = text;
      publishedMs = nowMs;
      forgetAbsent(wanted);
      publish(wanted);
      // Who gets it may have had enough.
      if (!latest) return;
    }
    if (missing.size > 0) lookAt(Math.min(...missing.values()) + times.holdMs);
  }

  function lookAt(atMs: number): void {
    clearTimeout(timer);
    // Timers may be early by a part of a millisecond, and of a negative time Node warns.
    timer = setTimeout(look, Math.max(0, Math.ceil(atMs - performance.now()))).unref();
  }

  function withHeld(found: Resolution, nowMs: number): Resolution {
    if (!published?.ok) return found;
    const held = published.endpoints.filter((endpoint) => {
      const sinceMs = missing.get(endpointToString(endpoint));
      if (sinceMs === undefined || nowMs >= sinceMs + times.holdMs) return false;
      // One that slices still list is not on its way; but where it was the last, the next may be ready in a moment.
      return !found.ok || !addressTexts(endpoint).some((address) => refused.has(address));
    });
    if (held.length === 0) return found;
    const localities = new Map<string, Locality>(found.ok ? found.localities : []);
    for (const address of held.flatMap(addressTexts)) {
      const locality = published.localities?.get(address);
      if (locality) localities.set(address, locality);
    }
    const endpoints = [...(found.ok ? found.endpoints : []), ...held];
    return { ...(found.ok ? found : published), endpoints: endpoints.sort(byAddress), localities };
  }

  function forgetAbsent(resolution: Resolution): void {
    const there = new Set(resolution.ok ? resolution.endpoints.map(endpointToString) : []);
    for (const key of missing.keys()) if (!there.has(key)) missing.delete(key);
  }

  return {
    /** @param unready addresses that are listed, but not to be called. */
    update(resolution: Resolution, unready: ReadonlySet<string> = new Set()): void {
      latest = resolution;
      refused = unready;
      noteMissing(performance.now());
      look();
    },
    close(): void {
      clearTimeout(timer);
      latest = undefined;
    },
  };
}

const addressTexts = ({ addresses }: Endpoint): string[] => addresses.map(subchannelAddressToString);

/** Equal for what is the same to a channel. */
function textOf(resolution: Resolution): string {
  if (!resolution.ok) return resolution.problem;
  const { endpoints, localities } = resolution;
  return JSON.stringify(
    endpoints.map((endpoint) => addressTexts(endpoint).map((at) => [at, localities?.get(at)])),
  );
}
