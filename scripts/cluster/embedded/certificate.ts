// The API server's certificate, of an authority for the life of one cluster.
import { type Certificate, makeCertificate } from '../../common/certificate.ts';

/** For the API server at `address`, an IP address. */
export const apiServerCertificate = (address: string): Promise<Certificate> =>
  makeCertificate('kube-apiserver', [
    { type: 'ip', value: address },
    { type: 'dns', value: 'kubernetes.default.svc' },
  ]);
