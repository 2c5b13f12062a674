"""Generate the stubs beside the .proto files, and check that they are up to date.

`make proto` writes into proto/. `make proto-check` writes into a temporary folder and compares.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

PROTO = Path(__file__).parent
# Versions of files that were broken on purpose, by git blob (`git rev-parse COMMIT:FILE`), with the
# reason. While main has such a version, that file is not compared; every other file is.
BROKEN_ON_PURPOSE: dict[str, str] = {}
UNUSED_ON_PURPOSE = "Import google/rpc/error_details.proto is unused."
VENDORED = [
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
]


def vendor(out: Path) -> None:
    """Copy the imported .proto files, byte for byte, from googleapis-common-protos."""
    for name in VENDORED:
        source = files(name.split("/")[0] + "." + name.split("/")[1]) / Path(name).name
        target = out / "third_party" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())


def generate(out: Path) -> None:
    """Write stubs for every .proto file, and gRPC stubs for *_service.proto."""
    protos = sorted(PROTO.glob("rum/**/*.proto"))
    services = [path for path in protos if path.name.endswith("_service.proto")]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTO, "-I", out / "third_party"]
    plugins = f"{Path(sys.executable).parent}/protoc-gen-mypy"
    _run(
        [*protoc, f"--plugin={plugins}", f"--python_out={out}", f"--mypy_out=quiet:{out}", *protos]
    )
    _run(
        [
            *protoc,
            f"--plugin={plugins}_grpc",
            f"--grpc_python_out={out}",
            f"--mypy_grpc_out=quiet:{out}",
            *services,
        ]
    )


def _run(command: list[str | Path]) -> None:
    """Run protoc, and print what it says but for `UNUSED_ON_PURPOSE`."""
    ended = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    lines = [line for line in ended.stderr.splitlines() if UNUSED_ON_PURPOSE not in line]
    print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
    if ended.returncode:
        raise SystemExit(ended.returncode)


def stale() -> list[str]:
    """Return the files under proto/ that differ from what `generate` writes now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        vendor(fresh)
        generate(fresh)
        written = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
        committed = {
            path.relative_to(PROTO)
            for pattern in ("rum/**/v1/*_pb2*.py*", "third_party/**/*.proto")
            for path in PROTO.glob(pattern)
        }
        same = filecmp.cmpfiles(PROTO, fresh, [str(path) for path in written], shallow=False)[0]
        return sorted(str(path) for path in (written | committed) - {Path(name) for name in same})


def breaking() -> None:
    """Fail if the contract breaks the one on main. A clone without main has nothing to compare."""
    for reference in ("origin/main", "main"):
        archive = _git("archive", reference, "buf.yaml", "proto")
        if archive.returncode != 0:
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
            for path, reason in _broken_on_purpose(reference):
                print(f"{path} is not compared with {reference}: {reason}")
                shutil.copy(PROTO.parent / path, Path(folder) / path)
            against = [buf(), "breaking", "--against", folder]
            subprocess.run(against, check=True, cwd=PROTO.parent)
        return


def _broken_on_purpose(reference: str) -> Iterator[tuple[str, str]]:
    files = _git("ls-tree", "-r", "--format=%(objectname) %(path)", reference, "proto/rum")
    files.check_returncode()
    for line in files.stdout.decode().splitlines():
        blob, _, path = line.partition(" ")
        if blob in BROKEN_ON_PURPOSE:
            yield path, BROKEN_ON_PURPOSE[blob]


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], check=False, capture_output=True, cwd=PROTO.parent)


def buf() -> str:
    """Return the path of buf in this environment."""
    return shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"


def check() -> None:
    """Exit with a message if stubs are stale, buf objects, or the contract breaks main's."""
    if names := stale():
        sys.exit(f"stale: {', '.join(names)}; run `make proto` and commit")
    try:
        subprocess.run([buf(), "lint"], check=True, cwd=PROTO.parent)
        formatted = [buf(), "format", "--diff", "--exit-code", "--path", "proto/rum"]
        subprocess.run(formatted, check=True, cwd=PROTO.parent)
        breaking()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        check()
    else:
        vendor(PROTO)
        generate(PROTO)
