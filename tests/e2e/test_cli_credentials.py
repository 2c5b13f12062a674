"""`openrum keys`, `tokens` and `policy`, against a server that authorizes callers."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.batches import batch
from tests.support.running import OpenRum, Process, run_openrum

Result = subprocess.CompletedProcess[str]
_ALLOW = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "rum:PutRumEvents",
            "Resource": "*",
        },
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server on loopback with authorization required."""
    with OpenRum(tmp_path_factory.mktemp("required"), OPENRUM_AUTH="required") as running:
        yield running
        running.stop()


def operator_file(server: Process) -> str:
    return str(server.folder / "var" / "operator.token")


def run(server: Process, *arguments: str, stdin: str | None = None, **settings: str) -> Result:
    """Run a command as the operator."""
    named = {"OPENRUM_SERVICE": server.grpc, "OPENRUM_OPERATOR_TOKEN_FILE": operator_file(server)}
    return run_openrum(*arguments, stdin=stdin, **{**named, **settings})


def output_of(server: Process, *arguments: str, stdin: str | None = None, **settings: str) -> str:
    """Run a command, which must succeed, and return its standard output."""
    ran = run(server, *arguments, stdin=stdin, **settings)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def monitor_id(server: Process) -> str:
    line = next(line for line in server.output if line.split()[:2] == ["app", "monitor"])
    return line.split()[-1]


def put(server: Process, token: str | None = None) -> int:
    """Put a batch, with the token if there is one, and return the HTTP status."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = f"{server.url}/appmonitors/{monitor_id(server)}"
    request = urllib.request.Request(url, json.dumps(batch()).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def rum(server: Process, key_id: str, secret: str) -> boto3.client:
    return boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(inject_host_prefix=False, retries={"max_attempts": 0}),
    )


def test_a_created_key_is_valid_until_it_is_revoked(server: OpenRum) -> None:
    printed = output_of(server, "keys", "create", "--name", "backend", "--access", "read")
    found = re.fullmatch(
        r"AWS_ACCESS_KEY_ID=(OR[A-Z]{18})\nAWS_SECRET_ACCESS_KEY=([\w-]{40})\n", printed
    )
    assert found
    client = rum(server, *found.groups())
    names = [item["Name"] for item in client.list_app_monitors()["AppMonitorSummaries"]]
    with pytest.raises(ClientError) as changed:
        client.delete_app_monitor(Name="my-app")
    revoked = output_of(server, "keys", "revoke", found[1])
    with pytest.raises(ClientError) as after:
        client.list_app_monitors()

    assert names == ["my-app"]
    assert changed.value.response["Error"]["Code"] == "AccessDeniedException"
    assert revoked == f"{found[1]} is revoked\n"
    assert after.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_keys_are_listed_as_json_without_secrets(server: OpenRum) -> None:
    pair = json.loads(output_of(server, "keys", "create", "--name", "listed", "--json"))
    lines = [json.loads(line) for line in output_of(server, "keys", "list", "--json").splitlines()]
    (listed,) = [line for line in lines if line["Id"] == pair["AccessKeyId"]]

    assert set(pair) == {"AccessKeyId", "SecretAccessKey"}
    assert set(listed) == {"Id", "Kind", "Name", "Access", "CreateTime"}
    assert [listed[member] for member in ("Kind", "Name", "Access")] == ["key", "listed", ["write"]]
    assert pair["SecretAccessKey"] not in str(lines)


def test_a_key_is_imported_from_a_file_once(server: OpenRum) -> None:
    command = (
        "keys",
        "import",
        "--access-key-id",
        "AKIDEXAMPLEIMPORTED0",
        "--secret-access-key-file",
        "-",
        "--name",
        "imported",
        "--access",
        "read",
    )
    secret = "an-old-secret-0123456789"
    first = run(server, *command, stdin=f"{secret}\n")
    again = run(server, *command, stdin=secret)
    listed = rum(server, "AKIDEXAMPLEIMPORTED0", secret).list_app_monitors()

    assert (first.returncode, first.stdout) == (0, "AKIDEXAMPLEIMPORTED0\n")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "Error: ConflictException: This access key ID is in use.\n"
    assert len(listed["AppMonitorSummaries"]) == 1


def test_a_created_token_is_valid_until_it_is_revoked(server: OpenRum, tmp_path: Path) -> None:
    printed = output_of(
        server, "tokens", "create", "--name", "jobs", "--expires-in", "12h", "--json"
    )
    token = json.loads(printed)
    outcomes = [put(server), put(server, "openrum_other"), put(server, token["Token"])]
    (tmp_path / "token").write_text(token["Token"] + "\n")
    reading = run(server, "events", "my-app", "--token-file", str(tmp_path / "token"))
    table = output_of(server, "tokens", "list", COLUMNS="200")
    output_of(server, "tokens", "revoke", token["Id"])

    assert outcomes == [403, 403, 200]
    assert reading.returncode == 1
    assert reading.stderr == (
        "Error: AccessDeniedException: User: arn:aws:iam::000000000000:user/jobs is not authorized"
        " to perform: rum:GetAppMonitorData on resource:"
        " arn:aws:rum:us-east-1:000000000000:appmonitor/my-app\n"
    )
    assert token["Id"] in table
    assert token["Token"] not in table
    assert put(server, token["Token"]) == 403


def test_a_token_for_one_app_monitor_can_read_no_other(server: OpenRum, tmp_path: Path) -> None:
    output_of(server, "monitors", "create", "second", "--domain", "example.com")
    token = output_of(
        server, "tokens", "create", "--name", "of-second", "--access", "read", "--monitor", "second"
    )
    (tmp_path / "token").write_text(token)
    results = [
        run(server, "events", name, OPENRUM_TOKEN_FILE=str(tmp_path / "token"))
        for name in ("second", "my-app")
    ]

    assert [ran.returncode for ran in results] == [0, 1]
    assert "AccessDeniedException" in results[1].stderr


def test_a_policy_allows_unsigned_puts_until_it_is_deleted(server: OpenRum, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(_ALLOW)
    outcomes = [put(server)]
    revision = output_of(server, "policy", "put", "my-app", "--file", str(tmp_path / "policy.json"))
    outcomes.append(put(server))
    printed = output_of(server, "policy", "get", "my-app")
    deleted = output_of(server, "policy", "delete", "my-app")
    outcomes.append(put(server))
    read = run(server, "policy", "get", "my-app")

    assert outcomes == [403, 200, 403]
    assert re.fullmatch(r"[0-9a-f-]{36}\n", revision)
    assert printed == _ALLOW + "\n"
    assert deleted == "The policy of my-app is deleted\n"
    assert (read.returncode, read.stdout) == (1, "")
    assert (
        read.stderr == "Error: PolicyNotFoundException: The app monitor has no resource policy.\n"
    )


@pytest.mark.parametrize(
    ("command", "stdin", "code", "message"),
    [
        (("policy", "put", "my-app", "--file", "-"), "{}", 1, "MalformedPolicyDocumentException"),
        (("policy", "put", "unknown", "--file", "-"), _ALLOW, 1, "ResourceNotFoundException"),
        (("tokens", "revoke", "none"), None, 1, "There is no token with this ID."),
        (("keys", "create", "--name", "a b"), None, 1, "grant.name must match"),
        (("keys", "create", "--name", "a", "--monitor", "unknown"), None, 1, "no app monitor"),
        (
            ("tokens", "create", "--name", "a", "--expires-in", "1y"),
            None,
            2,
            "'1y' is not a duration",
        ),
        (("tokens", "create", "--name", "a", "--access", "all"), None, 2, "'all' is not one of"),
        (("keys", "import"), None, 2, "Missing option '--access-key-id'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_errors_are_reported_without_a_traceback(
    server: OpenRum, command: tuple[str, ...], stdin: str | None, code: int, message: str
) -> None:
    ran = run(server, *command, stdin=stdin)

    assert (ran.returncode, ran.stdout) == (code, "")
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_imported_key_is_named_after_its_id_by_default(server: OpenRum) -> None:
    pair = ("--access-key-id", "AKIDWITHOUTANAME0001", "--secret-access-key-file", "-")
    ran = run(server, "keys", "import", *pair, stdin="an-existing-secret-0123456789")
    listed = run(server, "keys", "list", "--json").stdout.splitlines()

    assert (ran.returncode, ran.stdout) == (0, "AKIDWITHOUTANAME0001\n")
    assert "AKIDWITHOUTANAME0001" in {json.loads(line)["Name"] for line in listed}


def test_a_missing_or_invalid_token_file_is_reported(server: OpenRum, tmp_path: Path) -> None:
    missing, garbage = tmp_path / "missing", tmp_path / "garbage"
    garbage.write_bytes(b"\xff\xfe two\nlines")
    no_token = {"OPENRUM_OPERATOR_TOKEN_FILE": str(missing)}
    ran = [
        run(server, "keys", "list", **no_token),
        run(server, "keys", "list", "--token-file", str(missing)),
        run(server, "keys", "list", "--token-file", str(garbage)),
    ]

    assert [one.returncode for one in ran] == [1, 2, 2]
    assert ran[0].stderr == (
        "Error: MissingAuthenticationTokenException: Request is missing Authentication Token. The"
        f" operator token file {missing} cannot be read: No such file or directory. Set"
        " OPENRUM_OPERATOR_TOKEN_FILE, or use --token-file.\n"
    )
    assert ran[1].stderr == f"Error: {missing}: No such file or directory\n"
    assert ran[2].stderr == f"Error: {garbage}: this file does not hold a token\n"


def test_the_table_of_keys_shows_complete_ids_and_their_state(server: OpenRum) -> None:
    long_id = "AKID" + "X" * 124
    pair = ("--access-key-id", long_id, "--secret-access-key-file", "-")
    run(server, "keys", "import", *pair, stdin="an-existing-secret-0123456789")
    key = json.loads(output_of(server, "keys", "create", "--name", "gone", "--json"))["AccessKeyId"]
    output_of(server, "keys", "revoke", key)
    rows = output_of(server, "keys", "list", COLUMNS="80").splitlines()
    (revoked,) = [row for row in rows if row.startswith(key)]

    assert rows[0].split() == [
        "Id",
        "Name",
        "Access",
        "App",
        "monitor",
        "Created",
        "(UTC)",
        "State",
    ]
    assert any(row.startswith(f"{long_id} ") for row in rows)
    assert " gone " in revoked
    assert re.search(r" revoked 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$", revoked)


def test_the_table_of_tokens_shows_when_a_token_expires(server: OpenRum) -> None:
    create = ("tokens", "create", "--name", "short", "--expires-in", "90s", "--json")
    token = json.loads(output_of(server, *create))
    rows = output_of(server, "tokens", "list").splitlines()
    (row,) = [row for row in rows if row.startswith(token["Id"])]

    assert " expires 20" in row


def test_an_empty_list_of_credentials_says_how_to_create_one(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        ran = [run(server, command, "list") for command in ("keys", "tokens")]
        as_json = run(server, "keys", "list", "--json")

    assert [(one.returncode, one.stdout) for one in ran] == [(0, ""), (0, "")]
    assert ran[0].stderr.startswith("There are no keys. Create one: ")
    assert ran[0].stderr.endswith(" keys create --name NAME\n")
    assert ran[1].stderr.startswith("There are no tokens. Create one: ")
    assert (as_json.stdout, as_json.stderr) == ("", "")
