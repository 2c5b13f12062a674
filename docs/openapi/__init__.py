"""The OpenAPI 3.1 document that the bridge serves at /openapi.json. `make docs` writes it.

operations   descriptors, google.api.http and comments of proto/rum/v1
schemas      the tables with which the service checks requests
failures     the tables that turn an exception into an HTTP status
"""

from __future__ import annotations

__all__ = ["DOCUMENT", "text"]

import json
from pathlib import Path

from docs.openapi.comments import Comments
from docs.openapi.operations import document

DOCUMENT = Path(__file__).parents[2] / "bridge" / "rum_bridge" / "openapi.json"
"""Where the generated document is kept."""


def text() -> str:
    """Return the document as the code has it."""
    return json.dumps(document(Comments.of_contract()), indent=1) + "\n"
