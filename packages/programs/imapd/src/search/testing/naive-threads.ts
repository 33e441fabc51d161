// THREAD=REFERENCES as RFC 5256, section 3 words it, step by step on objects, for small mailboxes: what the real one is
// compared with.

/** What the algorithm looks at; dates are all there is to sort by. */
export interface NaiveMessage {
  readonly number: number;
  readonly id: string | undefined;
  readonly references: readonly string[];
  readonly subject: string;
  readonly isReply: boolean;
  readonly sent: number;
}

interface Node {
  message: NaiveMessage | undefined;
  parent: Node | undefined;
  children: Node[];
}

/** The text behind "* THREAD ". */
export function naiveThreads(messages: readonly NaiveMessage[], bySubject: boolean): string {
  const root = prune(link(messages));
  root.children.sort(byDate);
  if (bySubject) mergeSubjects(root);
  sortAll(root);
  // REFS: threads by their latest messages.
  if (!bySubject) root.children.sort((a, b) => compare(latestOf(a), latestOf(b)));
  return root.children.map((node) => `(${listOf(node)})`).join('');
}

/** Steps 1 and 2. */
function link(messages: readonly NaiveMessage[]): Node {
  const byId = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const message of messages) {
    const node: Node = { message, parent: undefined, children: [] };
    nodes.push(node);
    if (message.id !== undefined && !byId.has(message.id)) byId.set(message.id, node);
  }
  const all = [...nodes];
  const nodeOf = (id: string): Node => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    const dummy: Node = { message: undefined, parent: undefined, children: [] };
    byId.set(id, dummy);
    all.push(dummy);
    return dummy;
  };
  for (const node of nodes) {
    const ancestors = (node.message as NaiveMessage).references.map(nodeOf);
    for (const [index, child] of ancestors.entries()) {
      const parent = ancestors[index - 1];
      if (parent !== undefined && child.parent === undefined) attach(child, parent);
    }
    detach(node);
    const last = ancestors.at(-1);
    if (last !== undefined) attach(node, last);
  }
  const root: Node = { message: undefined, parent: undefined, children: [] };
  for (const node of all) if (node.parent === undefined) attach(node, root);
  return root;
}

function attach(child: Node, parent: Node): void {
  for (let at: Node | undefined = parent; at !== undefined; at = at.parent)
    if (at === child) return;
  child.parent = parent;
  parent.children.push(child);
}

function detach(child: Node): void {
  const { parent } = child;
  if (parent !== undefined) parent.children = parent.children.filter((one) => one !== child);
  child.parent = undefined;
}

/** Step 3. */
function prune(root: Node): Node {
  const visit = (node: Node): void => {
    for (const child of [...node.children]) {
      visit(child);
      if (child.message !== undefined) continue;
      if (node === root && child.children.length > 1) continue;
      detach(child);
      for (const grandchild of [...child.children]) {
        detach(grandchild);
        attach(grandchild, node);
      }
    }
  };
  visit(root);
  return root;
}

function headOf(node: Node): NaiveMessage {
  if (node.message !== undefined) return node.message;
  return headOf([...node.children].sort(byDate)[0] as Node);
}

function latestOf(node: Node): NaiveMessage {
  const all = node.children.map(latestOf);
  if (node.message !== undefined) all.push(node.message);
  return all.sort(compare).at(-1) as NaiveMessage;
}

function byDate(a: Node, b: Node): number {
  return compare(headOf(a), headOf(b));
}

function compare(a: NaiveMessage, b: NaiveMessage): number {
  return a.sent - b.sent || a.number - b.number;
}

/** Step 5. */
function mergeSubjects(root: Node): void {
  const table = new Map<string, Node>();
  for (const node of root.children) {
    const { subject } = headOf(node);
    if (subject === '') continue;
    const known = table.get(subject);
    if (known === undefined) table.set(subject, node);
    else if (known.message !== undefined) {
      const isBetter = known.message.isReply && node.message?.isReply === false;
      if (node.message === undefined || isBetter) table.set(subject, node);
    }
  }
  for (const node of [...root.children]) {
    const { subject } = headOf(node);
    const known = table.get(subject);
    if (subject === '' || known === undefined || known === node || node.parent !== root) continue;
    detach(node);
    if (known.message === undefined && node.message === undefined) {
      for (const child of [...node.children]) {
        detach(child);
        attach(child, known);
      }
    } else if (known.message === undefined || (node.message?.isReply && !known.message.isReply)) {
      attach(node, known);
    } else {
      const dummy: Node = { message: undefined, parent: undefined, children: [] };
      detach(known);
      attach(dummy, root);
      attach(known, dummy);
      attach(node, dummy);
      table.set(subject, dummy);
    }
  }
}

/** Step 6. */
function sortAll(node: Node): void {
  for (const child of node.children) sortAll(child);
  node.children.sort(byDate);
}

function listOf({ message, children }: Node): string {
  const [only] = children;
  const below =
    children.length === 1 && only !== undefined
      ? listOf(only)
      : children.map((child) => `(${listOf(child)})`).join('');
  return [message?.number, below].filter((part) => part !== undefined && part !== '').join(' ');
}
