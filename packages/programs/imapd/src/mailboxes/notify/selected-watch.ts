// The selected mailbox, told of between commands too, and with what the client wants to know of new messages
// (RFC 5465, sections 5.1 to 5.3 and 6.1).

import type { FolderMessage } from '@q/mailbox';
import { replyOfFault } from '../../fault-reply.ts';
import { MessageAnswers } from '../../messages/fetch-answer.ts';
import { fetchPlan } from '../../messages/fetch-plan.ts';
import type { Session } from '../../session.ts';
import { takesNew, type View } from '../../view.ts';
import type { SelectedInterest } from './interests.ts';
import { LookSoon } from './look-soon.ts';

export class SelectedWatch {
  readonly #session: Session;
  readonly #interest: SelectedInterest;
  readonly #looks: LookSoon;
  #view: View | undefined;
  #ends: (() => void)[] = [];
  /** Their EXISTS was told, their FETCH is to come. */
  #arrived: FolderMessage[] = [];

  constructor(session: Session, interest: SelectedInterest) {
    this.#session = session;
    this.#interest = interest;
    this.#looks = new LookSoon(session, () => this.#look());
  }

  /** Another mailbox may be selected than before. */
  follow(view: View | undefined): void {
    if (view === this.#view) return;
    this.close();
    this.#view = view;
    if (view === undefined) return;
    this.#ends = [
      view.opened.folder.watch(() => this.#looks.hear()),
      view.onTold(({ arrived }) => this.#note(arrived)),
    ];
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#view = undefined;
    this.#arrived = [];
  }

  async #look(): Promise<void> {
    const view = this.#view;
    if (view === undefined || view !== this.#session.view) return;
    try {
      await view.opened.folder.refresh({ takeNew: takesNew(view) });
    } catch (error) {
      // A mailbox that is gone ends the session at its next command; trouble with the disk may pass.
      replyOfFault(error);
      return;
    }
    view.sync(this.#session, !this.#interest.delayed);
  }

  #note(arrived: readonly FolderMessage[]): void {
    if (arrived.length === 0 || this.#interest.items.length === 0) return;
    if (this.#arrived.length === 0) this.#session.soon(() => this.#fetch());
    for (const message of arrived) this.#arrived.push(message);
  }

  async #fetch(): Promise<void> {
    const arrived = this.#arrived;
    this.#arrived = [];
    const view = this.#view;
    if (view === undefined || view !== this.#session.view) return;
    const there = arrived.filter((message) => !message.gone && view.numberOf(message) > 0);
    const plan = fetchPlan(this.#interest.items, { addUid: false, addModseq: false });
    await new MessageAnswers(this.#session, view, plan).tell(there, new Set());
  }
}
