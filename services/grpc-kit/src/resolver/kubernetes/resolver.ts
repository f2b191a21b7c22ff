import { channelContext } from '../../channel-context.ts';
import type { GrpcUri, Options, Resolver, ResolverListener } from '../../grpc-experimental.ts';
import { resolverFresh } from '../../telemetry.ts';
import { createOutage } from '../outage.ts';
import { createSubscription, type Resolution, type StartSource } from '../sharing.ts';
import type { KubernetesOptions } from './api-config.ts';
import { type EndpointSlice, findEndpoints } from './endpoints.ts';
import { createPublisher } from './publisher.ts';
import { watchSlices } from './slice-watch.ts';
import { type KubernetesTarget, parseTarget } from './target.ts';

/**
 * Resolves `kubernetes:///service.namespace:port` by watching the Service's EndpointSlices. Needs get, list and watch
 * on them (manifests/rbac.yaml). Without endpoints that are ready the channel gets an error, UNAVAILABLE, that says why;
 * while the API is away it keeps what it has.
 *
 * A number for a port is that of the pods, not that of the Service.
 */
export class KubernetesResolver implements Resolver {
  readonly #subscription: ReturnType<typeof createSubscription>;

  /** @throws when the target is not well-formed. */
  constructor(target: GrpcUri, listener: ResolverListener, channelOptions: Options) {
    const parsed = parseTarget(target);
    const { logger, kubernetes: options = {} } = channelContext(channelOptions);
    const key = JSON.stringify(['kubernetes', parsed, options]);
    const question = { key, target: parsed.text, start: resolve(parsed, options) };
    this.#subscription = createSubscription(question, listener, logger);
  }

  /** @returns `service.namespace`, or `service` when the target names no namespace. @throws as the constructor. */
  static getDefaultAuthority(target: GrpcUri): string {
    const { service, namespace } = parseTarget(target);
    return namespace === undefined ? service : `${service}.${namespace}`;
  }

  updateResolution(): void {
    this.#subscription.updateResolution();
  }

  destroy(): void {
    this.#subscription.destroy();
  }
}

function resolve(target: KubernetesTarget, options: KubernetesOptions): StartSource {
  const { text, service, namespace = options.namespace, port } = target;
  return (publish, loggers) => {
    const noEndpoints = createOutage(loggers);
    let listed = false;

    const publisher = createPublisher((resolution: Resolution) => {
      if (resolution.ok) noEndpoints.ends(`${text} has endpoints again`);
      // Of a list that cannot be had, the watch speaks.
      else if (listed) noEndpoints.begins(`${text}: ${resolution.problem}`);
      publish(resolution);
    });

    function onSlices(slices: Iterable<EndpointSlice>, name: string): void {
      const { endpoints, localities, unready, counts, problem } = findEndpoints(slices, port);
      listed = true;
      if (problem !== undefined) {
        publisher.update({ ok: false, problem: `Service ${name} ${problem}` }, unready);
        return;
      }
      const { ready, notReady, terminating } = counts;
      const note = `Service ${name} has ${ready} ready endpoints, ${notReady} not ready, ${terminating} terminating`;
      publisher.update({ ok: true, endpoints, localities, note }, unready);
    }

    const watch = watchSlices(
      { service, namespace, options },
      {
        loggers,
        onSlices,
        onFresh: () => resolverFresh(text),
        onFailure: (problem) => publisher.update({ ok: false, problem }),
      },
    );
    return {
      askSoon: () => watch.retrySoon(),
      stop(): void {
        watch.release();
        publisher.close();
      },
    };
  };
}
