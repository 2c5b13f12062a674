"""`openrum db`: check, repair and upgrade a database, and back up and restore a SQLite one."""

from __future__ import annotations

__all__ = ["db"]

from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import click

from rum_cli.commands import Command
from rum_cli.counted import counted
from rum_cli.environment import opening_database, read_settings, setting_rows
from rum_cli.failure import REJECTED, Failure
from rum_cli.output import printable
from rum_cli.progress import progress_bar
from rum_projector.settings import ProjectorSettings
from rum_service.settings import ServiceSettings

_MAX_PRINTED = 100
_environment = partial(
    setting_rows, ServiceSettings, {"OPENRUM_DATABASE_URL", "OPENRUM_SECRETS_KEY_FILE"}
)


@click.group()
def db() -> None:
    """Check, repair, upgrade, back up and restore the database."""


@db.command(cls=Command, environment=_environment)
def check() -> None:
    """Check that the whole database can be read and is consistent.

    The service can keep running. Prints each problem and where it is, and exits with 1 if there is
    one. `openrum db repair` moves damaged batches, and second copies of batches, to files.
    """
    from rum_cli.db_check import DatabaseCheck
    from rum_service.auth.secret_files import SecretBox
    from rum_service.storage import inspect_database

    settings = read_settings(ServiceSettings)
    with opening_database():
        store, inspection = inspect_database(settings.database_url)
    with closing(inspection), progress_bar("Checking") as update:
        found = DatabaseCheck(store, inspection, SecretBox(settings.secrets_key_file))
        problems = found.problems(update)
        count = 0
        for problem in islice(problems, _MAX_PRINTED):
            count += 1
            click.echo(printable(problem))  # clients choose the names of source maps
        further = sum(1 for _ in problems)
    if further:
        click.echo(f"... and {further} more")
    if found.log.of_deleted:
        click.echo(
            f"{counted(found.log.of_deleted, 'batch is', 'batches are')} of deleted app monitors."
            " The service deletes them after its start."
        )
    checked = (
        f"{counted(found.log.batches, 'batch', 'batches')} with"
        f" {counted(found.log.events, 'event')}, {counted(found.monitors, 'app monitor')},"
        f" {counted(found.keys, 'access key')}"
    )
    if count:
        raise Failure(f"{counted(count + further, 'problem')} in {checked}", REJECTED)
    click.echo(f"No problems in {checked}")


@db.command(cls=Command, environment=_environment)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def repair(folder: Path) -> None:
    """Move damaged batches from the database to files in FOLDER.

    Also moves second copies of batches, and corrects the sums for quotas and the times by which
    reads and retention find batches. The service can keep running. Exits with 1 if problems remain.
    """
    from rum_cli.db_check import DatabaseCheck
    from rum_cli.db_repair import DatabaseRepair
    from rum_service.auth.secret_files import SecretBox
    from rum_service.storage import repair_database

    settings = read_settings(ServiceSettings)
    with opening_database():
        store, inspection, log_repair = repair_database(settings.database_url)
    with closing(inspection):
        with progress_bar("Checking") as update:
            found = DatabaseCheck(store, inspection, SecretBox(settings.secrets_key_file))
            problems = sum(1 for _ in found.problems(update))
        repairs = DatabaseRepair(found, log_repair, folder)
        try:
            for line in repairs.run():
                click.echo(line)
        except OSError as error:
            raise Failure(f"{folder}: {error.strerror or error}", REJECTED) from None
    if repairs.moved:
        moved = counted(repairs.moved, "batch", "batches")
        click.echo(f"Moved {moved} with {counted(repairs.events, 'event')} to {folder}")
    if remaining := problems - repairs.repaired:
        raise Failure(
            f"{counted(remaining, 'problem')} cannot be repaired: openrum db check", REJECTED
        )
    click.echo("No problems remain" if problems else "No problems found")


@db.command(cls=Command, environment=_environment)
def upgrade() -> None:
    """Upgrade the database to the schema of this version.

    Stop OpenRUM first, and keep a backup: a schema cannot be downgraded. The servers also upgrade
    their database when they start.
    """
    from rum_service.storage import upgrade_database
    from rum_service.storage.migrate import NEWEST

    settings = read_settings(ServiceSettings)
    with opening_database():
        found = upgrade_database(settings.database_url)
    if found == NEWEST:
        click.echo(f"The database has schema {NEWEST} already")
    elif found:
        click.echo(f"The database is upgraded from schema {found} to {NEWEST}")
    else:
        click.echo(f"The database was empty. It has schema {NEWEST} now")


@db.command(cls=Command, environment=_environment)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the SQLite database to FILE, which must not exist.

    The service can keep running, and store events.
    """
    from rum_service.storage.sqlite_copy import back_up

    settings = read_settings(ServiceSettings)
    try:
        with progress_bar("Copying") as update:
            back_up(settings.database_url, file, progress=update)
    except OSError as error:
        raise Failure(f"{error.filename or file}: {error.strerror or error}", REJECTED) from None
    except ValueError as error:
        raise Failure(str(error), REJECTED) from None
    click.echo(f"The database is copied to {file}")
    _remind_of_key(settings.secrets_key_file)


@db.command(cls=Command, environment=_environment)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> None:
    """Replace the SQLite database by the copy in FILE.

    Stop OpenRUM first. The old database is kept beside the new one. Exits with 1 if
    OPENRUM_SECRETS_KEY_FILE does not decrypt the secrets of access keys in the copy.
    """
    from rum_service.storage.sqlite_copy import restore as restore_file

    settings = read_settings(ServiceSettings)
    try:
        with progress_bar("Copying") as update:
            kept = restore_file(settings.database_url, file, progress=update)
    except (ValueError, OSError) as error:
        raise Failure(str(error), REJECTED) from None
    click.echo(f"The database is restored from {file}. Check it: openrum db check")
    if kept:
        click.echo(f"The old database is {kept}")
    _delete_projection()
    _check_key(settings)


@db.command(cls=Command, environment=_environment)
def compact() -> None:
    """Make the file of the SQLite database as small as possible.

    Stop OpenRUM first. While it runs, the command uses up to twice the size of the compacted file
    on the disk. A file that an older version created needs this once. Afterwards the service frees
    the space of removed batches by itself.
    """
    from rum_service.storage.sqlite_copy import compact as compact_file

    settings = read_settings(ServiceSettings)
    try:
        before, after = compact_file(settings.database_url)
    except (ValueError, OSError) as error:
        raise Failure(str(error), REJECTED) from None
    click.echo(f"The database had {before / 1e6:,.1f} MB and has {after / 1e6:,.1f} MB now")


def _delete_projection() -> None:
    """Delete the projection. It may contain events that the restored log does not."""
    file = read_settings(ProjectorSettings).projection_file
    if file.exists():
        file.unlink()
        file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
        click.echo(f"{file} is deleted. The projector builds it again")


def _check_key(settings: ServiceSettings) -> None:
    """Say whether the key file decrypts the secrets in the database.

    Raises:
        Failure: it does not.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from rum_service.auth.secret_files import SecretBox
    from rum_service.storage import sealed_secret

    key_file = settings.secrets_key_file
    try:
        sealed = sealed_secret(settings.database_url)
    except (ValueError, SQLAlchemyError):  # the schema is older than access keys
        return
    if sealed is None:
        return
    fix = "copy the key file that was backed up with the database to it"
    try:
        SecretBox(key_file).open(sealed)
    except FileNotFoundError:
        raise Failure(
            f"the access keys need {key_file}, which does not exist; {fix}", REJECTED
        ) from None
    except (OSError, ValueError) as error:
        raise Failure(f"the access keys cannot be used: {error}; {fix}", REJECTED) from None
    click.echo(f"{key_file} is the key of this database")


def _remind_of_key(key_file: Path) -> None:
    """Say that the secrets of access keys need a second file."""
    if key_file.exists():
        click.echo(f"{key_file} belongs to the database: keep a copy of it with the copy of that")
