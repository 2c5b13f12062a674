"""How the commands are loaded and how their help is laid out.

`openrum --help` imports no command; it prints the summaries below. A command is imported when it
runs or prints its help.
"""

from __future__ import annotations

__all__ = ["SECTIONS", "Command", "Environment", "LazyGroup"]

import os
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NamedTuple

import click

from rum_cli.failure import REJECTED, Failure
from rum_cli.setting_names import check_setting_names

Environment = Sequence[tuple[str, str]] | Callable[[], Sequence[tuple[str, str]]]
"""Names of environment variables with their meanings, or a function that returns them."""

# The longest name is OPENRUM_SERVICE_CERTIFICATE_FILE; 80 columns leave 42 for the meaning.
_NAME_WIDTH = 32


class Summary(NamedTuple):
    """A command in the list of commands."""

    name: str
    module: str
    help: str


SECTIONS: dict[str, list[Summary]] = {
    "Servers": [
        Summary("up", "run", "Run the service, the bridge and the projector."),
        Summary("service", "run", "Run the gRPC service."),
        Summary("bridge", "run", "Run the REST bridge."),
        Summary("projector", "projector", "Keep columns of the events for queries."),
        Summary("health", "health", "Check whether the service can store events."),
    ],
    "Events": [
        Summary("send", "send", "Send batches from a file, or a sample batch."),
        Summary("events", "events", "Print stored events, newest first."),
        Summary("tail", "tail", "Print events as they are stored."),
        Summary("export", "export", "Write stored events to Parquet or JSON files."),
        Summary("import", "import_", "Store exported events, also those of CloudWatch RUM."),
    ],
    "Administration": [
        Summary("monitors", "monitors", "Create, show, update and delete app monitors."),
        Summary("stats", "stats", "Print the overview, or the outcomes of received events."),
        Summary("quota", "quota", "Show and set how many bytes app monitors may store."),
        Summary("retention", "retention", "Show and set how many days events are kept."),
        Summary("erase", "erase", "Erase a user or a session, and print the proof."),
        Summary("sourcemaps", "source_maps", "Manage source maps, for readable stacks of errors."),
        Summary("keys", "keys", "Manage access keys for clients that sign requests."),
        Summary("tokens", "tokens", "Manage bearer tokens, for gRPC clients and the page."),
        Summary("copy", "copy", "Copy the database to another one, of any kind."),
        Summary("db", "db", "Check, upgrade, back up and restore the database."),
        Summary("policy", "policy", "Manage the resource policies of app monitors."),
    ],
    "Help": [
        Summary("help", "help", "Print code for your clients, or the help of a command."),
    ],
}


class LazyGroup(click.Group):
    """The `openrum` command. Its subcommands are imported when they are needed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.commands = _LazyCommands()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, summaries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(summary.name, summary.help) for summary in summaries])


class _LazyCommands(MutableMapping[str, click.Command]):
    def __init__(self) -> None:
        self._modules = {
            summary.name: summary.module for section in SECTIONS.values() for summary in section
        }
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module = import_module(f"rum_cli.{self._modules[name]}")
            self._loaded[name] = getattr(module, f"{name}_" if iskeyword(name) else name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._modules.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._modules[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class Command(click.Command):
    """A command whose help ends with the environment variables that it reads."""

    def __init__(self, *args: Any, environment: Environment = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self._environment = environment

    def invoke(self, ctx: click.Context) -> Any:
        check_setting_names(os.environ)
        try:
            return super().invoke(ctx)
        except Exception as error:
            if reason := _database_reason(error):
                raise Failure(f"the database failed: {reason}", REJECTED) from None
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        environment = self._environment
        if rows := list(environment() if callable(environment) else environment):
            with formatter.section("Environment"):
                formatter.write_dl(rows, col_max=_NAME_WIDTH)


def _database_reason(error: Exception) -> str:
    """Return what a database said about its failure. Empty: the error is another one."""
    if "sqlalchemy" not in sys.modules:  # importing it takes 0.1 s
        return ""
    from sqlalchemy.exc import SQLAlchemyError

    from rum_service.storage.database import reason_of

    return reason_of(error) if isinstance(error, SQLAlchemyError) else ""
