"""`openrum erase`: erase a user or a session, and print the proof."""

from __future__ import annotations

__all__ = ["erase"]

import time
from collections.abc import Callable, Iterator

import click

from rum.operator.v1.operator_service_pb2 import (
    ErasedAmount,
    Erasure,
    ErasureProgress,
    ErasureSubject,
    GetErasureRequest,
    ListErasuresRequest,
    PreviewErasureRequest,
    StartErasureRequest,
)
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.failure import REJECTED, WRONG_USAGE, Failure
from rum_cli.output import json_option, print_json
from rum_cli.pages import pages
from rum_cli.progress import progress_bar
from rum_cli.proofs import (
    amount_document,
    amount_text,
    damaged_text,
    proof_document,
    proof_text,
)

_POLL_S = 0.2

_Update = Callable[[int, int], None]


@click.command(cls=ClientCommand)
@click.argument("name", required=False)
@click.option("--user", metavar="ID", help="Erase this userId.")
@click.option("--session", metavar="ID", help="Erase this sessionId.")
@click.option("--dry-run", is_flag=True, help="Count what would be erased, and erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--list", "listed", is_flag=True, help="Print all proofs, newest first.")
@json_option
def erase(
    name: str | None,
    user: str | None,
    session: str | None,
    *,
    dry_run: bool,
    yes: bool,
    listed: bool,
    as_json: bool,
    target: Target,
) -> None:
    """Erase a user or a session from the app monitor NAME, and print the proof.

    Deletes all events with this userId or sessionId, and events of others whose metadata or details
    contain the ID. Events that arrive later are stored: run the command again for them.
    """
    with connect(target) as client:
        if listed:
            if name or user or session or dry_run or yes:
                raise Failure("--list allows no other argument than --json", WRONG_USAGE)
            for index, erasure in enumerate(_all(client)):
                if index and not as_json:
                    click.echo()
                _print(erasure, as_json=as_json)
            return
        if name is None or (user is None) == (session is None):
            raise Failure("name an app monitor and either --user or --session", WRONG_USAGE)
        subject = ErasureSubject()
        if user is not None:
            subject.user_id = user
        if session is not None:
            subject.session_id = session
        if dry_run or not yes:
            found = _preview(client, name, subject)
            if dry_run:
                _print_preview(found, as_json=as_json)
                return
            click.confirm(f"Erase {amount_text(found)} of {name}?", abort=True, err=True)
        request = StartErasureRequest(app_monitor_name=name, subject=subject)
        erasure = client.operator.StartErasure(request).erasure
        proof = _finished(client, erasure)
        _print(proof, as_json=as_json)
        if proof.damaged_batches:
            raise Failure(
                f"the erasure is incomplete: {damaged_text(proof)}. `openrum db check` says what is"
                " wrong",
                REJECTED,
            )


def _preview(client: Client, name: str, subject: ErasureSubject) -> ErasedAmount:
    """Return what would be erased, from all pages."""
    total = ErasedAmount()
    request = PreviewErasureRequest(app_monitor_name=name, subject=subject)
    with progress_bar("Counting") as update:
        for page in pages(client.operator.PreviewErasure, request):
            total.deleted_batches += page.amount.deleted_batches
            total.rewritten_batches += page.amount.rewritten_batches
            total.events += page.amount.events
            _show(page.progress, update)
    return total


def _finished(client: Client, erasure: Erasure) -> Erasure:
    """Wait until the erasure has finished, and return it."""
    with progress_bar("Erasing") as update:
        try:
            while not erasure.HasField("finish_time"):
                if erasure.HasField("progress"):
                    _show(erasure.progress, update)
                time.sleep(_POLL_S)
                erasure = client.operator.GetErasure(GetErasureRequest(id=erasure.id)).erasure
        except KeyboardInterrupt:
            click.echo(
                f"Erasure {erasure.id} goes on in the service. See it with: openrum erase --list",
                err=True,
            )
            raise
    return erasure


def _show(progress: ErasureProgress, update: _Update) -> None:
    update(progress.searched, progress.total)


def _all(client: Client) -> Iterator[Erasure]:
    for page in pages(client.operator.ListErasures, ListErasuresRequest()):
        yield from page.erasures


def _print(erasure: Erasure, *, as_json: bool) -> None:
    if as_json:
        print_json(proof_document(erasure))
    else:
        click.echo(proof_text(erasure))


def _print_preview(found: ErasedAmount, *, as_json: bool) -> None:
    if as_json:
        print_json({"DryRun": True, **amount_document(found)})
    else:
        click.echo(f"Would erase {amount_text(found)}. Nothing is erased")
