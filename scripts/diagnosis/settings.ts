// What a container is started with: its variables and its words, with where each of them stands.
import type { V1ConfigMap, V1Container } from '@kubernetes/client-node';
import type { Plain } from '../common/plain.ts';

export type Setting = {
  /** Of a variable; of an argument the option that it is of, or nothing. */
  name: string;
  value: string;
  where: string;
};

type Container = Plain<V1Container>;
type ConfigMaps = readonly Plain<V1ConfigMap>[];

/** Variables in the order in which the kubelet sets them, then command and args, `$(NAMES)` replaced. */
export function settingsOf(container: Container, configMaps: ConfigMaps): Setting[] {
  const variables = new Map<string, Setting>();
  for (const setting of [...imported(container, configMaps), ...set(container, configMaps)])
    variables.set(setting.name, { ...setting, value: expanded(setting.value, variables) });
  const words = (['command', 'args'] as const).flatMap((field) => {
    const list = container[field] ?? [];
    return list.map((word, index) => ({
      name: optionBefore(list, index),
      value: expanded(word, variables),
      where: `${field}[${index}]`,
    }));
  });
  return [...variables.values(), ...words];
}

/** `envFrom`: every key of a ConfigMap. */
const imported = ({ envFrom = [] }: Container, configMaps: ConfigMaps): Setting[] =>
  envFrom.flatMap(({ configMapRef, prefix = '' }) =>
    Object.entries(dataOf(configMapRef?.name, configMaps)).map(([key, value]) => ({
      name: `${prefix}${key}`,
      value,
      where: `env ${prefix}${key} (ConfigMap ${configMapRef?.name})`,
    })),
  );

/** `env`: what comes from Secrets or fields is not known. */
const set = ({ env = [] }: Container, configMaps: ConfigMaps): Setting[] =>
  env.flatMap(({ name, value, valueFrom }) => {
    if (value !== undefined) return [{ name, value, where: `env ${name}` }];
    const { name: configMap, key = '' } = valueFrom?.configMapKeyRef ?? {};
    const taken = dataOf(configMap, configMaps)[key];
    return taken === undefined ? [] : [{ name, value: taken, where: `env ${name} (ConfigMap ${configMap})` }];
  });

const dataOf = (name: string | undefined, configMaps: ConfigMaps): Record<string, string> =>
  (name === undefined ? undefined : configMaps.find(({ metadata }) => metadata?.name === name)?.data) ?? {};

/** `$(NAME)`, as the kubelet replaces it: what is not known stays as it is. */
const expanded = (text: string, variables: ReadonlyMap<string, Setting>): string =>
  text.replaceAll(/\$\(([\w.-]+)\)/g, (whole, name: string) => variables.get(name)?.value ?? whole);

/** `--target` before a word that is its value. */
const optionBefore = (words: readonly string[], index: number): string =>
  /^--?([\w.-]+)$/.exec(words[index - 1] ?? '')?.[1] ?? '';

/** A text cut at what no address has in it: a shell's command, a list, JSON. */
export const wordsOf = (text: string): string[] => text.split(/[\s,;"'`]+/).filter(Boolean);
