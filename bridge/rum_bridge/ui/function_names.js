/**
 * Names the function around a position in original code.
 *
 * A source map does not have it: its names are those of the identifiers at positions. The code has it, and the
 * indentation tells what is around a line, in JavaScript, TypeScript and their dialects.
 */

const MAX_LINE = 300;
const NAME = "([\\w$#]+)";
const FUNCTION = "(?:async\\s*)?(?:function\\b|\\([^()]*\\)\\s*(?::[^=()]{0,100})?=>|[\\w$]+\\s*=>)";
const DECLARATION = new RegExp(`\\bfunction\\s*\\*?\\s*${NAME}`);
const VALUE = new RegExp(`${NAME}\\s*(?::[^=]{0,100}=|[:=])\\s*${FUNCTION}`);
const MODIFIER = "(?:(?:async|static|get|set|public|private|protected|override)\\s+|\\*\\s*)*";
const OPENING = `^\\s*${MODIFIER}${NAME}\\s*(?:<[^<>]*>)?\\(`;
const METHOD = new RegExp(`${OPENING}[^;]*\\)[^;=]*\\{\\s*$`);
const FIRST_LINE_OF_METHOD = new RegExp(`${OPENING}\\s*$`);
const AFTER_ANONYMOUS = /^.*(?:=>|\bfunction\b[^(]*\([^)]*\))(.*)$/;
const CLASS = /\bclass\s+([\w$]+)/;
const STATEMENTS = new Set(["if", "for", "while", "switch", "catch", "with", "function", "return"]);

/**
 * Return the function, such as `Cart.add`, or `(anonymous) in pay` for a function without a name. Empty if it is not
 * known.
 * @param {string[]} lines
 * @param {number} line From 1.
 * @param {number} column From 0.
 */
export function functionAt(lines, line, column) {
  const own = (lines[line - 1] ?? "").slice(0, Math.min(column, MAX_LINE));
  const here = DECLARATION.exec(own) ?? VALUE.exec(own);
  if (here) return named(here[1], opensFunction(own.slice(here.index + here[0].length)));
  let isAnonymous = opensFunction(own);
  let method = "";
  let hasParametersAbove = false;
  for (const text of around(lines, line)) {
    if (method) {
      const owner = CLASS.exec(text)?.[1];
      return named(owner ? `${owner}.${method}` : method, isAnonymous);
    }
    const name = DECLARATION.exec(text)?.[1] ?? VALUE.exec(text)?.[1];
    if (name) return named(name, isAnonymous);
    const called = (hasParametersAbove ? FIRST_LINE_OF_METHOD : METHOD).exec(text)?.[1];
    if (called && !STATEMENTS.has(called) && !text.includes("function")) method = called;
    else isAnonymous ||= opensFunction(text);
    hasParametersAbove = /^\s*\).*\{\s*$/.test(text);
  }
  return named(method, isAnonymous);
}

/** Return whether a function begins in this text that does not end in it, as one does in `some((x) => x)`. */
function opensFunction(text) {
  let depth = 0;
  for (const character of AFTER_ANONYMOUS.exec(text)?.[1] ?? ")") {
    if ("([{".includes(character)) depth += 1;
    if (")]}".includes(character)) depth -= 1;
    if (depth < 0) return false;
  }
  return true;
}

const named = (name, isAnonymous) => (name && isAnonymous ? `(anonymous) in ${name}` : name);

/** Yield the lines that begin what a line is in, innermost first. */
function* around(lines, line) {
  let depth = indentation(lines[line - 1] ?? "");
  for (let index = line - 2; index >= 0 && depth > 0; index -= 1) {
    const text = lines[index].slice(0, MAX_LINE);
    const its = indentation(text);
    if (text.trim() === "" || its >= depth) continue;
    // `) {` ends parameters in lines of their own. The name is in a line with the same indentation.
    depth = text.trim().startsWith(")") ? its + 1 : its;
    yield text;
  }
}

const indentation = (text) => text.length - text.trimStart().length;
