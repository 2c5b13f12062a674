"""`python -m docs.openapi` writes the document."""

from docs.openapi import DOCUMENT, text

DOCUMENT.write_text(text())
