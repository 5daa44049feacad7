/** What the browser keeps for this page: under the user's name, so that people at one computer do not mix. */

export interface Memory {
  get(name: string): string | null;
  set(name: string, text: string): void;
  delete(name: string): void;
  /** The names that begin so, without that beginning. */
  names(beginning: string): readonly string[];
}

const OURS = "hubbub:";

/** A `Storage` that may be full or forbidden: then nothing is kept, and everything else works. */
export function memoryOf(storage: () => Storage): Memory {
  const attempt = <T>(act: (storage: Storage) => T, otherwise: T): T => {
    try {
      return act(storage());
    } catch {
      return otherwise;
    }
  };
  return {
    get: (name) => attempt((kept) => kept.getItem(OURS + name), null),
    set: (name, text) => attempt((kept) => kept.setItem(OURS + name, text), undefined),
    delete: (name) => attempt((kept) => kept.removeItem(OURS + name), undefined),
    names: (beginning) =>
      attempt((kept) => {
        const start = OURS + beginning;
        return Object.keys(kept).filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
      }, []),
  };
}

/** The name of ours that a storage event is about, or undefined. */
export function ourName(key: string | null): string | undefined {
  return key?.startsWith(OURS) ? key.slice(OURS.length) : undefined;
}
