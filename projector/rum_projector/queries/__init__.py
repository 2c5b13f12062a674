"""The questions that InsightService answers, as statements of SQLAlchemy Core.

Each module answers one family of methods. Its functions take `Query`, which runs a statement, and
return messages of `rum.v1`. They block.
"""
