/** Templates: htm parses them, Preact renders them. Both escape every value, so texts of clients stay texts. */
import { Fragment, h, render } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export const html = htm.bind(h);
export { Fragment, render };
