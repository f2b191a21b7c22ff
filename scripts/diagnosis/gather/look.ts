// Looking without stopping: what cannot be seen is noted, and the gathering goes on.
import { messageOf } from '../../common/errors.ts';
import type { Unseen } from '../facts.ts';
import type { Access, Where } from './access.ts';
import { type Collector, collector } from './collector.ts';
import { ReadError } from './read-error.ts';
import { describe, type ObjectOf, RESOURCES, type ResourceName } from './resources.ts';

export type Look = {
  unseen: Unseen[];
  get: <Name extends ResourceName>(
    resource: Name,
    name: string,
    namespace?: string,
  ) => Promise<ObjectOf[Name] | undefined>;
  /** All of them, but never more than 500: those of the highest rank. */
  list: <Name extends ResourceName>(
    resource: Name,
    where: Where,
    rank?: (object: ObjectOf[Name]) => number,
  ) => Promise<ObjectOf[Name][]>;
  /** What `work` gives; undefined, and a note, where it fails. */
  attempt: <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;
};

/** Of a kind in a namespace. */
export const MOST = 500;

/** @throws the reason of an abort, from every method. */
export function look(access: Access): Look {
  const unseen: Unseen[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      access.interrupted.throwIfAborted();
      unseen.push({ what, why: isTimeOut(error) ? 'the time for looking was over' : messageOf(error) });
      return undefined;
    }
  };
  return {
    unseen,
    attempt,
    get: (resource, name, namespace) =>
      attempt(describe(resource, namespace, name), () => access.get(resource, name, namespace)),
    list: async (resource, where, rank) => {
      const what = describe(resource, where.namespace);
      const { found, error } = await readAll(access, resource, where, () => collector(MOST, rank));
      if (error !== undefined) {
        access.interrupted.throwIfAborted();
        const some = found.kept().length > 0 ? `the rest of ${what}` : what;
        const none = error instanceof ReadError && error.status === 404;
        const why = none ? `the API server has no ${RESOURCES[resource].plural}` : messageOf(error);
        unseen.push({ what: some, why });
      }
      if (found.left() > 0)
        unseen.push({ what: `${found.left()} further ${what}`, why: `no more than ${MOST} are looked at` });
      return found.kept();
    },
  };
}

const isTimeOut = (reason: unknown): boolean => (reason as { name?: unknown })?.name === 'TimeoutError';

/**
 * Page by page. A list whose continuation has expired (410) is read from the beginning, once.
 *
 * @returns what came, also where `error` broke it off.
 */
async function readAll<Name extends ResourceName>(
  access: Access,
  resource: Name,
  where: Where,
  begin: () => Collector<ObjectOf[Name]>,
): Promise<{ found: Collector<ObjectOf[Name]>; error?: unknown }> {
  let found = begin();
  let next: string | undefined;
  let again = true;
  do {
    try {
      const page = await access.page(resource, where, next);
      for (const item of page.items) found.add(item);
      next = page.next;
    } catch (error) {
      if (!(again && next !== undefined && error instanceof ReadError && error.status === 410))
        return { found, error };
      again = false;
      found = begin();
      next = '';
    }
  } while (next !== undefined);
  return { found };
}
