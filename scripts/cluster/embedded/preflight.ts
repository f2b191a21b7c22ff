// What would keep the embedded provider from working here.
import { createServer } from 'node:net';
import { freemem } from 'node:os';
import type { ClusterConfig } from '../config.ts';
import type { Problem } from '../provider.ts';

/** Estimated from a greeter's own memory, some 40 MB, and a supervisor's. */
const NEEDED_BYTES = 512 * 1024 * 1024;

export async function preflight(config: ClusterConfig, fresh: boolean): Promise<Problem[]> {
  if (!fresh) return [];
  return [...(await loopbackProblems()), ...memoryProblems(), ...configProblems(config)];
}

/** Every address of 127.0.0.0/8 answers on Linux; macOS has 127.0.0.1 alone until it is told otherwise. */
async function loopbackProblems(): Promise<Problem[]> {
  if (await canListen('127.99.0.1')) return [];
  return [
    {
      severity: 'error',
      what: `the addresses 127.x.y.z beyond 127.0.0.1 cannot be used here (${process.platform})`,
      hint:
        process.platform === 'darwin'
          ? 'macOS has to be given each one (sudo ifconfig lo0 alias 127.99.0.1 up): use Docker and --provider kind, or Linux in a virtual machine.'
          : 'Pods get addresses of their own on the loopback interface: check that `lo` is up with 127.0.0.1/8.',
    },
  ];
}

function memoryProblems(): Problem[] {
  if (freemem() >= NEEDED_BYTES) return [];
  return [
    {
      severity: 'warning',
      what: `only ${Math.round(freemem() / 1024 ** 2)} MiB of memory are free`,
      hint: 'Each pod takes some 40 MB. Close something, or use fewer replicas.',
    },
  ];
}

function configProblems({ file, onlyKind }: ClusterConfig): Problem[] {
  if (onlyKind.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${file}: ${onlyKind.join(', ')}: without effect on the embedded provider`,
      hint: 'It takes the nodes, their roles and labels from that file.',
    },
  ];
}

function canListen(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}
