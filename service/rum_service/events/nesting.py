"""A limit on the nesting of JSON from clients, the same on every Python. Pure.

Without it, the depth at which `json.loads` raises RecursionError depends on the interpreter and on
the depth of the caller's stack.
"""

from __future__ import annotations

__all__ = ["MAX_NESTING", "is_nested_too_deeply"]

import re

MAX_NESTING = 100

# A string, or a bracket. In a text that is not JSON, the string may lack its closing quote.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)


def is_nested_too_deeply(text: str) -> bool:
    """Return whether lists and objects in a JSON text are nested more than `MAX_NESTING` deep."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in ("[", "{"):
            depth += 1
        elif found[0] in ("]", "}"):
            depth -= 1
        if depth > MAX_NESTING:
            return True
    return False
