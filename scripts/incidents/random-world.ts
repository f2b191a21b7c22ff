import type { World } from './world.ts';

const APPS = ['catalog', 'orders', 'billing', 'search', 'profile', 'pricing', 'stock', 'mailer'];
const TEAMS = ['shop', 'core', 'payments', 'platform', 'team-a', 'prod', 'staging'];
const CALLERS = ['web', 'frontend', 'gateway', 'checkout', 'api', 'batch'];

/**
 * A world as another company would have it: other names, ports, sizes, and clients that may be in another namespace.
 *
 * @param random from 0 up to 1.
 * @param unique a word that no other world's namespace has at the same time.
 */
export function randomWorld(random: () => number, unique: string): World {
  const one = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? '';
  const app = one(APPS);
  const namespace = `${one(TEAMS)}-${unique}`;
  const port = 1024 + Math.floor(random() * 30_000);
  // The control ports of the lab's pods, and of the gateway.
  const grpcPort = [8080, 9090].includes(port) ? port + 1 : port;
  return {
    namespace,
    clientNamespace: random() < 0.3 ? `${namespace}-${one(CALLERS)}` : namespace,
    server: `${app}-${one(['server', 'api', 'svc', 'backend'])}`,
    service: app,
    headless: `${app}-${one(['headless', 'pods', 'grpc'])}`,
    client: `${one(CALLERS)}-${one(['client', 'app', 'worker'])}`,
    grpcPort,
    servicePort: grpcPort,
    replicas: 2 + Math.floor(random() * 3),
  };
}
