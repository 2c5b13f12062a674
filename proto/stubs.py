"""Makes the stubs beside the .proto files and checks that they are fresh.

`make proto` writes into proto/; `make proto-check` writes into a temporary folder and compares.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

PROTO = Path(__file__).parent
# Contracts that may be broken, each by its git tree (`git rev-parse COMMIT:proto/rum`) and with the
# reason. Every other contract on main is compared. Remove a line once main has moved on.
BROKEN_ON_PURPOSE = {
    "844777f0f7d64a8f4084a12d8f038df898fb02fd": (
        "before the first release, operator and bridge calls moved out of rum.v1 into packages "
        "with their own promises, and go_package was added"
    ),
}
VENDORED = ["google/api/annotations.proto", "google/api/http.proto", "google/rpc/status.proto"]


def vendor(out: Path) -> None:
    """Copies the imported .proto files, byte for byte, from googleapis-common-protos."""
    for name in VENDORED:
        source = files(name.split("/")[0] + "." + name.split("/")[1]) / Path(name).name
        target = out / "third_party" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())


def generate(out: Path) -> None:
    """Writes stubs for every .proto; gRPC stubs only where a service is, in *_service.proto."""
    protos = sorted(PROTO.glob("rum/**/*.proto"))
    services = [path for path in protos if path.name.endswith("_service.proto")]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTO, "-I", out / "third_party"]
    plugins = f"{Path(sys.executable).parent}/protoc-gen-mypy"
    subprocess.run(
        [*protoc, f"--plugin={plugins}", f"--python_out={out}", f"--mypy_out=quiet:{out}", *protos],
        check=True,
    )
    subprocess.run(
        [
            *protoc,
            f"--plugin={plugins}_grpc",
            f"--grpc_python_out={out}",
            f"--mypy_grpc_out=quiet:{out}",
            *services,
        ],
        check=True,
    )


def stale() -> list[str]:
    """Returns the files under proto/ that differ from what the recipe makes now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        vendor(fresh)
        generate(fresh)
        made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
        committed = {
            path.relative_to(PROTO)
            for pattern in ("rum/**/v1/*_pb2*.py*", "third_party/**/*.proto")
            for path in PROTO.glob(pattern)
        }
        same = filecmp.cmpfiles(PROTO, fresh, [str(path) for path in made], shallow=False)[0]
        return sorted(str(path) for path in (made | committed) - {Path(name) for name in same})


def breaking() -> None:
    """Fail if the contract breaks the one on main.

    There is nothing to compare in a clone without main, or while main has a contract that was
    broken on purpose.
    """
    for reference in ("origin/main", "main"):
        contract = _git("rev-parse", "--verify", "--quiet", f"{reference}:proto/rum")
        if contract.returncode != 0:
            continue
        if reason := BROKEN_ON_PURPOSE.get(contract.stdout.decode().strip()):
            print(f"not compared with {reference}: {reason}")
            return
        with tempfile.TemporaryDirectory() as folder:
            archive = _git("archive", reference, "buf.yaml", "proto")
            archive.check_returncode()
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
            against = [buf(), "breaking", "--against", folder]
            subprocess.run(against, check=True, cwd=PROTO.parent)
        return


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], check=False, capture_output=True, cwd=PROTO.parent)


def buf() -> str:
    """Returns the buf of this environment."""
    return shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"


def check() -> None:
    """Exits with a message where stubs are stale, style is off or the contract breaks main's."""
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
