// The contract on a real cluster: what embedded is held to is true there.
import { join } from 'node:path';
import { labRoot } from '../../scripts/cluster/index.ts';
import { holdToContract } from '../contract/index.ts';
import { LAB, withLab } from './support.ts';

withLab();

holdToContract(() => ({ provider: 'kind', kubeconfig: join(labRoot(), LAB, 'kubeconfig') }));
