"""Patterns with `*` (zero or more characters) and `?` (exactly one character).

Source: IAM User Guide, "Using wildcards in resource ARNs", "String condition operators" and
"Policy variables", Special characters.
"""

from __future__ import annotations

__all__ = ["compile_patterns", "literal"]

import re
from collections.abc import Iterable, Iterator

_SPECIAL = re.compile(r"\$\{([*?$])\}")
_OTHER_VARIABLE = re.compile(r"\$\{(?![*?$]\})")
_PART = re.compile(r"[*?]|[^*?]+")
_PART_WITH_VARIABLES = re.compile(r"\$\{[*?$]\}|[*?]|\$|[^*?$]+")


def literal(text: str, *, variables: bool) -> str:
    """Return the text with `${*}`, `${?}` and `${$}` replaced, if `variables` is set.

    Raises:
        ValueError: the text has another policy variable. PutRumEvents has a value for none of them.
    """
    if not variables:
        return text
    if _OTHER_VARIABLE.search(text):
        raise ValueError("policy variables are not supported")
    return _SPECIAL.sub(r"\1", text)


def compile_patterns(texts: Iterable[str], *, variables: bool) -> re.Pattern[str]:
    """Return an expression that matches, with `fullmatch`, if one of the patterns matches.

    Matching takes at most time proportional to the length of the text times that of the patterns.
    Anonymous callers choose the text.

    Raises:
        ValueError: as `literal`.
    """
    expressions = [_expression(text, variables) for text in texts]
    return re.compile("|".join(expressions), re.DOTALL)


def _expression(text: str, variables: bool) -> str:
    """Translate one pattern: `a*b?c*` becomes `a(?>.*?b.c).*`.

    The text between two stars has a fixed length, so its first occurrence is as good as any other.
    The atomic group prevents backtracking, which would take exponential time for many stars.
    """
    literal(text, variables=variables)
    runs = [""]
    for is_wild, part in _parts(text, variables):
        if is_wild and part == "*":
            runs.append("")
        else:
            runs[-1] += "." if is_wild else re.escape(part)
    if len(runs) == 1:
        return runs[0]
    middle = "".join(f"(?>.*?{run})" for run in runs[1:-1] if run)
    return f"{runs[0]}{middle}.*{runs[-1]}"


def _parts(text: str, variables: bool) -> Iterator[tuple[bool, str]]:
    """Yield (is a wildcard, text) in order."""
    for match in (_PART_WITH_VARIABLES if variables else _PART).finditer(text):
        part = match.group()
        if variables and _SPECIAL.fullmatch(part):
            yield False, part[2]
        else:
            yield part in ("*", "?"), part
