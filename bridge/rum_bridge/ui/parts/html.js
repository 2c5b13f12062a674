/**
 * Templates: htm parses them, Preact renders them. Both escape every value, so texts of clients stay texts. Characters that
 * reverse the text after them are replaced, so that a client cannot make a text look like another one.
 */
import { Fragment, h, render } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

const REVERSING = /[\u202a-\u202e\u2066-\u2069]/g;
const SHOWN_PROPS = ["title", "aria-label"];

/** Return a text without characters that reverse the text after them. */
export const plain = (text) => text.replace(REVERSING, "\ufffd");

export const html = htm.bind((type, props, ...children) => h(type, plainProps(props), ...children.map(plainChild)));
export { Fragment, render };

function plainChild(child) {
  if (typeof child === "string") return plain(child);
  return Array.isArray(child) ? child.map(plainChild) : child;
}

function plainProps(props) {
  for (const name of SHOWN_PROPS) if (typeof props?.[name] === "string") props[name] = plain(props[name]);
  return props;
}
