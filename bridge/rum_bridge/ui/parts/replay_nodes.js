/**
 * The nodes of a recorded document, by their IDs. They show which window events come from: rrweb numbers the nodes of each
 * document from 1, and a node keeps its number.
 */

const [FULL_SNAPSHOT, INCREMENTAL_SNAPSHOT] = [2, 3];
const MUTATION = 0;
const NO_CHILDREN = new Set();

/** The document of one recording. It follows events when it is needed: with one window it never is. */
export class Nodes {
  #waiting = [];
  #parents = new Map();
  #children = new Map();
  /** The tags of all nodes, also of those that are not in the document any more. Texts have none. */
  #kinds = new Map();
  #last = 0;

  /** Return how many nodes in later events cannot be nodes of this document. */
  strangers(events) {
    this.#waiting.splice(0).forEach((earlier) => this.#apply(earlier));
    const strange = new Set();
    const added = new Map();
    const removed = new Set();
    for (const { type, data } of events) {
      if (type !== INCREMENTAL_SNAPSHOT || !data) continue;
      for (const { node } of addsOf(data)) visit(node, 0, ({ id, tagName }) => added.set(id, tagName));
      for (const { id, parentId } of targetsOf(data)) {
        const isThere = this.#parents.has(id) && (!parentId || this.#parents.get(id) === parentId);
        if (!isThere && !added.has(id)) strange.add(id);
        if (parentId) removed.add(id);
      }
    }
    const replaced = this.#within(removed);
    const next = this.#last + 1;
    for (const [id, kind] of added) {
      if (id >= next && !added.has(next)) strange.add(next);
      const isOther = id < next && this.#kinds.get(id) !== kind;
      if (isOther || (this.#parents.has(id) && !replaced.has(id))) strange.add(id);
    }
    return strange.size;
  }

  /** Return `ids` and the nodes inside of them. */
  #within(ids) {
    const found = new Set(ids);
    // A set's loop also visits what is added meanwhile.
    for (const id of found) for (const child of this.#childrenOf(id)) found.add(child);
    return found;
  }

  /** Follow the changes of the document in the events of the recording, in order. */
  follow(events) {
    this.#waiting.push(events);
  }

  #apply(events) {
    for (const { type, data } of events) {
      if (type === FULL_SNAPSHOT && data?.node) {
        this.#parents.clear();
        this.#children.clear();
        this.#add(data.node, 0);
      } else if (type === INCREMENTAL_SNAPSHOT && data?.source === MUTATION) {
        for (const { id } of data.removes ?? []) this.#remove(id);
        for (const { node, parentId } of addsOf(data)) this.#add(node, parentId);
      }
    }
  }

  #add(root, rootParent) {
    visit(root, rootParent, ({ id, tagName }, parent) => {
      this.#childrenOf(this.#parents.get(id)).delete(id);
      this.#parents.set(id, parent);
      const siblings = this.#children.get(parent);
      if (siblings) siblings.add(id);
      else this.#children.set(parent, new Set([id]));
      this.#kinds.set(id, tagName);
      if (id > this.#last) this.#last = id;
    });
  }

  #remove(root) {
    this.#childrenOf(this.#parents.get(root)).delete(root);
    for (const id of this.#within([root])) {
      this.#children.delete(id);
      this.#parents.delete(id);
    }
  }

  #childrenOf(id) {
    return this.#children.get(id) ?? NO_CHILDREN;
  }
}

/** Whether events add or remove nodes, as going to another page does. */
export const replacesNodes = (events) => events.some(({ type, data }) =>
  type === INCREMENTAL_SNAPSHOT && data?.source === MUTATION && (data.adds?.length || data.removes?.length));

const addsOf = (data) => (data.source === MUTATION ? data.adds ?? [] : []);

/** Call `action` with a node and all nodes in it, and with the ID of the parent of each. */
function visit(root, rootParent, action) {
  const [nodes, parents] = [[root], [rootParent]];
  while (nodes.length) {
    const [node, parent] = [nodes.pop(), parents.pop()];
    if (!node) continue;
    action(node, parent);
    for (const child of Array.isArray(node.childNodes) ? node.childNodes : []) {
      nodes.push(child);
      parents.push(node.id);
    }
  }
}

/**
 * The nodes that an event changes or removes, or on which a user acts. Those that it removes have `parentId`. IDs below 1
 * stand for no node.
 */
function targetsOf({ source, id, positions, removes, texts, attributes, adds }) {
  const found = source === MUTATION
    ? [...(removes ?? []), ...[texts, attributes].flatMap((changes) => changes ?? []).map((change) => ({ id: change.id })),
      ...(adds ?? []).map(({ parentId }) => ({ id: parentId }))]
    : [{ id }, ...(positions ?? []).map((position) => ({ id: position.id }))];
  return found.filter((target) => target.id > 0);
}
