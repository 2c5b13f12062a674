"""`openrum sourcemaps`: which files are found, what is stored of them, and what is rejected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.shown import read_api
from tests.support.running import OpenRum, run_openrum

_MAP = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"}


def _write(folder: Path, files: dict[str, str | dict[str, object]]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def _run(server: OpenRum, *arguments: str) -> str:
    ran = run_openrum("sourcemaps", *arguments, OPENRUM_SERVICE=server.grpc)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _scripts(server: OpenRum, release: str) -> list[str]:
    lines = _run(server, "list", "my-app", "--release", release, "--json").splitlines()
    return sorted(json.loads(line)["file"] for line in lines)


def test_the_source_maps_of_scripts_in_a_folder_are_uploaded(
    openrum: OpenRum, tmp_path: Path
) -> None:
    _write(
        tmp_path,
        {
            "index.html": "<!doctype html>",
            "app.js": "f();\n//# sourceMappingURL=app.js.map\n",
            "app.js.map": _MAP,
            "assets/chunk-1a.mjs.map": _MAP,
            # Named by the script only.
            "assets/late.js": "g();\n//# sourceMappingURL=../maps/late%20one.map",
            "maps/late one.map": _MAP,
            # Named by its member `file` only.
            "other/x.map": {**_MAP, "file": "vendor.js"},
            "style.css.map": _MAP,
            "inline.js": "h();\n//# sourceMappingURL=data:application/json;base64,e30=",
        },
    )
    uploaded = _run(openrum, "upload", "my-app", "--release", "1", str(tmp_path))

    assert uploaded == "Uploaded 4 source maps of my-app, release 1\n"
    assert _scripts(openrum, "1") == [
        "app.js",
        "assets/chunk-1a.mjs",
        "assets/late.js",
        "other/vendor.js",
    ]


def test_a_large_source_map_is_read_back_over_rest(openrum: OpenRum, tmp_path: Path) -> None:
    text = json.dumps({**_MAP, "sourcesContent": ["é" * 1_500_000]}, ensure_ascii=False)
    _write(tmp_path, {"app.js.map": text})
    _run(openrum, "upload", "my-app", "--release", "2", str(tmp_path / "app.js.map"))
    parts, token = [], ""
    while token or not parts:
        page = read_api(
            openrum,
            *("insight", "my-app", "source-maps", "content"),
            release="2",
            url="https://shop.example/assets/app.js",
            **({"nextToken": token} if token else {}),
        )
        parts.append(str(page["text"]))
        token = str(page["nextToken"])

    assert "".join(parts) == text
    assert len(parts) == 3


def test_source_maps_are_listed_and_deleted(openrum: OpenRum, tmp_path: Path) -> None:
    _write(tmp_path, {"a.js.map": _MAP, "b.js.map": _MAP})
    _run(openrum, "upload", "my-app", "--release", "3", str(tmp_path))
    table = _run(openrum, "list", "my-app", "--release", "3").splitlines()
    one = _run(openrum, "delete", "my-app", "--release", "3", "--script", "a.js")
    left = _scripts(openrum, "3")
    rest = _run(openrum, "delete", "my-app", "--release", "3")

    assert table[0].split() == ["Release", "Script", "Bytes", "Stored", "Uploaded", "(UTC)"]
    assert [line.split()[:3] for line in table[1:]] == [
        ["3", "b.js", str(len(json.dumps(_MAP)))],
        ["3", "a.js", str(len(json.dumps(_MAP)))],
    ]
    assert (one, left, rest) == ("Deleted 1 source map\n", ["b.js"], "Deleted 1 source map\n")
    assert _scripts(openrum, "3") == []


def test_an_empty_list_says_how_to_upload_source_maps(openrum: OpenRum) -> None:
    listed = ("sourcemaps", "list", "my-app", "--release", "0")
    ran = run_openrum(*listed, OPENRUM_SERVICE=openrum.grpc)

    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith("my-app has no source maps of release 0. Upload them: ")
    assert ran.stderr.endswith("sourcemaps upload my-app --release 0 FOLDER\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**_MAP, "version": 2}, "app.js.map: this is not a source map of version 3"),
        ("{", "app.js.map: this is not a source map of version 3"),
        ({"version": 3}, "app.js.map: this source map has no mappings"),
    ],
)
def test_a_file_that_is_no_source_map_is_rejected(
    tmp_path: Path, content: str | dict[str, object], message: str
) -> None:
    _write(tmp_path, {"app.js.map": content})
    ran = run_openrum("sourcemaps", "upload", "my-app", "--release", "1", str(tmp_path))

    assert ran.returncode == 2
    assert message in ran.stderr


def test_a_folder_without_source_maps_is_rejected(tmp_path: Path) -> None:
    ran = run_openrum("sourcemaps", "upload", "my-app", "--release", "1", str(tmp_path))

    assert ran.returncode == 2
    assert "there are no source maps of scripts in these files" in ran.stderr
