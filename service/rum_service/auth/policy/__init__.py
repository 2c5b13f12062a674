"""Resource policies: `parse` compiles a document once, `decide` evaluates it for a request. Pure.

document      reads the JSON strictly and names its elements in messages
principals    the Principal element
conditions    the Condition element and the request's keys
wildcards     patterns with `*` and `?`
addresses     ranges of IP addresses
evaluation    Policy, parse, decide
"""

from __future__ import annotations

__all__ = ["ACTION", "Outcome", "Policy", "PolicyRequest", "decide", "parse"]

from rum_service.auth.policy.conditions import PolicyRequest
from rum_service.auth.policy.evaluation import ACTION, Outcome, Policy, decide, parse
