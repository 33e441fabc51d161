// Annotations of a mailbox or of the server that change: their names are told (RFC 5465, sections 5.6 and 5.7).

import { type Place, watchAnnotations } from '@q/mail-account';
import type { Session } from '../../session.ts';
import { entryText, metadataName } from '../metadata.ts';
import { LookSoon } from './look-soon.ts';
import { takeOwnAnnotation } from './own-change.ts';

export class AnnotationWatch {
  /** Undefined: of the server. */
  readonly #place: Place | undefined;
  readonly #session: Session;
  readonly #looks: LookSoon;
  readonly #unwatch: () => void;
  #known: ReadonlyMap<string, string>;

  /** Throws a fault, also when nothing more can be watched. */
  static async open(session: Session, place: Place | undefined): Promise<AnnotationWatch> {
    return new AnnotationWatch(session, place, await session.account.metadata(place));
  }

  private constructor(
    session: Session,
    place: Place | undefined,
    known: ReadonlyMap<string, string>,
  ) {
    this.#session = session;
    this.#place = place;
    this.#known = known;
    this.#looks = new LookSoon(session, () => this.#look());
    const dir = place?.dir ?? session.account.root;
    this.#unwatch = watchAnnotations(dir, place === undefined, () => this.#looks.hear());
  }

  close(): void {
    this.#looks.close();
    this.#unwatch();
  }

  async #look(): Promise<void> {
    const before = this.#known;
    const now = await this.#session.account.metadata(this.#place);
    this.#known = now;
    const names = [...new Set([...before.keys(), ...now.keys()])];
    const changed = names.filter((name) => before.get(name) !== now.get(name));
    const isOwn = takeOwnAnnotation(this.#session, this.#place?.name ?? '');
    if (changed.length === 0 || isOwn) return;
    const mailbox = metadataName(this.#session, this.#place);
    this.#session.untagged(`METADATA ${mailbox} ${changed.map(entryText).join(' ')}`);
  }
}
