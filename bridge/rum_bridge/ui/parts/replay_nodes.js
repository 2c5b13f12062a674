/**
 * The nodes of a recorded document, by their IDs: which window events come from can be seen from them. rrweb numbers the
 * nodes of each document from 1, and a node keeps its number.
 */

const [FULL_SNAPSHOT, INCREMENTAL_SNAPSHOT] = [2, 3];
const MUTATION = 0;
const NO_CHILDREN = new Set();
/** A hostile recording can have nodes that are inside each other. */
const MAX_DEPTH = 1000;

/** The document of one recording. */
export class Nodes {
  #parents = new Map();
  #children = new Map();
  /** The kinds of all nodes, also of those that are not in the document any more. */
  #kinds = new Map();
  #last = 0;

  /** Return how many nodes in later events cannot be nodes of this document. */
  strangers(events) {
    const strange = new Set();
    const added = new Map();
    const removed = new Set();
    for (const { type, data } of events) {
      if (type !== INCREMENTAL_SNAPSHOT || !data) continue;
      for (const { node } of addsOf(data)) for (const [found] of withDescendants(node)) added.set(found.id, kindOf(found));
      for (const { id, parentId } of targetsOf(data)) {
        const isThere = this.#parents.has(id) && (!parentId || this.#parents.get(id) === parentId);
        if (!isThere && !added.has(id)) strange.add(id);
        if (parentId) removed.add(id);
      }
    }
    const next = this.#last + 1;
    for (const [id, kind] of added) {
      if (id >= next && !added.has(next)) strange.add(next);
      const isOther = id < next && this.#kinds.get(id) !== kind;
      if (isOther || (this.#parents.has(id) && !this.#isIn(id, removed))) strange.add(id);
    }
    return strange.size;
  }

  /** Whether the node, or one that it is in, is one of `ids`. */
  #isIn(id, ids) {
    for (let [at, depth] = [id, 0]; at && depth < MAX_DEPTH; at = this.#parents.get(at), depth += 1) if (ids.has(at)) return true;
    return false;
  }

  /** Follow the changes of the document in the events of the recording, in order. */
  follow(events) {
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
    for (const [node, parent = rootParent] of withDescendants(root)) {
      const { id } = node;
      this.#childrenOf(this.#parents.get(id)).delete(id);
      this.#parents.set(id, parent);
      if (!this.#children.has(parent)) this.#children.set(parent, new Set());
      this.#childrenOf(parent).add(id);
      this.#kinds.set(id, kindOf(node));
      this.#last = Math.max(this.#last, id);
    }
  }

  #remove(root) {
    this.#childrenOf(this.#parents.get(root)).delete(root);
    const waiting = [root];
    while (waiting.length) {
      const id = waiting.pop();
      waiting.push(...this.#childrenOf(id));
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

const kindOf = ({ type, tagName }) => `${type} ${tagName ?? ""}`;

const addsOf = (data) => (data.source === MUTATION ? data.adds ?? [] : []);

/** Yield a node and all nodes in it, each with the ID of its parent if that is in it too. */
function* withDescendants(root) {
  const waiting = [[root]];
  while (waiting.length) {
    const found = waiting.pop();
    yield found;
    for (const child of found[0].childNodes ?? []) waiting.push([child, found[0].id]);
  }
}

/** The nodes that an event changes or removes, or on which a user acts. Those that it removes have `parentId`. IDs below 1 stand for no node. */
function targetsOf({ source, id, positions, removes, texts, attributes, adds }) {
  const found = source === MUTATION
    ? [...(removes ?? []), ...[texts, attributes].flatMap((changes) => changes ?? []).map((change) => ({ id: change.id })),
      ...(adds ?? []).map(({ parentId }) => ({ id: parentId }))]
    : [{ id }, ...(positions ?? []).map((position) => ({ id: position.id }))];
  return found.filter((target) => target.id > 0);
}
