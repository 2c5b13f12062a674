"""The page names the function around a position in original code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rum_bridge import ui_files
from tests.tools.node import run_node
from tests.tools.toolbox import tools_needed

_MODULE = Path(ui_files.__file__).parent / "ui" / "function_names.js"
_CODE = """\
export class Cart {
  constructor(private items: Item[]) {
    at("Cart.constructor");
  }

  add(item: Item): void {
    if (this.items.some((other) => other.price < item.price)) {
      at("Cart.add");
      this.items.filter((other) => other.free).push(at("Cart.add"));
    }
  }

  async *pay(
    card: Card,
    amount: number,
  ): Promise<void> {
    for (const one of many) {
      at("Cart.pay");
    }
  }

  handler = async (event) => {
    at("handler");
  };
}

export const total = (items: Item[]): number =>
  items.reduce((a, b) => a + at("(anonymous) in total"), 0);

function outer() {
  const helper = () => 1;
  test("name", function () {
    later(() => {
      at("(anonymous) in outer");
    });
  });
  call(
    (argument) => {
      at("(anonymous) in outer");
    },
  );
}

const store = {
  save: function (item) {
    return at("save");
  },
  load(item) {
    return at("load");
  },
};
at("");
"""
_SCRIPT = """
import { functionAt } from "./names.mjs";
import { readFileSync } from "node:fs";
const lines = readFileSync("code.ts", "utf8").split("\\n");
const found = [];
lines.forEach((text, index) => {
  const column = text.indexOf("at(");
  const expected = text.slice(column).split('"')[1];
  if (column >= 0) found.push([expected, functionAt(lines, index + 1, column)]);
});
console.log(JSON.stringify(found));
"""


def test_the_function_around_a_position_is_named(tmp_path: Path) -> None:
    shutil.copy(_MODULE, tmp_path / "names.mjs")
    (tmp_path / "code.ts").write_text(_CODE)
    (tmp_path / "run.mjs").write_text(_SCRIPT)
    with tools_needed():
        found = json.loads(run_node(tmp_path / "run.mjs", cwd=tmp_path))

    assert len(found) == _CODE.count('at("')
    assert [[expected, expected] for expected, _ in found] == found
