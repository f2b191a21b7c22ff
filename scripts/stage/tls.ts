// Servers that speak TLS: a certificate for the life of one run.
import { NAMESPACE } from '../cluster/index.ts';
import { type Certificate, makeCertificate } from '../common/certificate.ts';
import type { ArmPlan } from './stage.ts';

/** One for the Services of all arms that want it; undefined when none does. */
export async function certificateFor(arms: readonly ArmPlan[]): Promise<Certificate | undefined> {
  const services = arms
    .filter(({ serverTls }) => serverTls)
    .flatMap(({ name }) => [`greeter-${name}`, `greeter-headless-${name}`]);
  if (services.length === 0) return undefined;
  return makeCertificate(
    'greeter-server',
    services.flatMap((service) =>
      ['', `.${NAMESPACE}`, `.${NAMESPACE}.svc`, `.${NAMESPACE}.svc.cluster.local`].map((domain) => ({
        type: 'dns' as const,
        value: `${service}${domain}`,
      })),
    ),
  );
}

export const withTls = (arm: ArmPlan, certificate: Certificate | undefined): ArmPlan =>
  arm.serverTls && certificate
    ? {
        ...arm,
        serverEnv: { ...arm.serverEnv, GRPC_TLS_CERT: certificate.cert, GRPC_TLS_KEY: certificate.key },
      }
    : arm;
