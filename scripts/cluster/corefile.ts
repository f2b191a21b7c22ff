// What CoreDNS is configured by, as kubeadm writes it, changed as a text.
import { LabError } from '../common/errors.ts';

const BLOCK = '.:53 {';

/** What has to be written into the block ".:53 {". */
export const templateOf = (rcode: string): string => `template ANY ANY {\n        rcode ${rcode}\n    }`;

/**
 * A Corefile that answers everything with this code.
 *
 * @throws LabError `prerequisite` when it is not as kubeadm writes it.
 */
export const answeringAll = (corefile: string, rcode: 'SERVFAIL' | 'NXDOMAIN'): string =>
  withBlock(corefile, `${BLOCK}\n    ${templateOf(rcode)}`);

/**
 * One that listens on another port than 53.
 *
 * @throws LabError `prerequisite` when it is not as kubeadm writes it.
 */
export const listeningOn = (corefile: string, port: number): string => withBlock(corefile, `.:${port} {`);

function withBlock(corefile: string, begins: string): string {
  if (!corefile.includes(BLOCK))
    throw new LabError('prerequisite', `the Corefile of kube-system/coredns has no block "${BLOCK}"`);
  return corefile.replace(BLOCK, begins);
}
