"""Bundles and minifies TypeScript with esbuild, Vite and webpack, as applications do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.tools.node import npm_install, run_node
from tests.tools.rum_page import npm_packages
from tests.tools.toolbox import TOOLS

__all__ = ["BUNDLERS", "install"]

_PACKAGES = {
    "vite": {"vite": "8.4.0"},
    # ts-loader uses the compiler's JavaScript API, which TypeScript 7 does not have.
    "webpack": {"webpack": "5.113.0", "ts-loader": "9.6.2", "typescript": "5.9.3"},
}
_VITE_CONFIG = """export default {
    build: {
        sourcemap: "hidden",
        rolldownOptions: { input: "src/main.ts" },
    },
};
"""
_WEBPACK = """const webpack = require(%s);
const rules = [{ test: /\\.ts$/, loader: %s, options: { transpileOnly: true } }];
webpack({
    mode: "production",
    devtool: "hidden-source-map",
    entry: { main: "./src/main.ts" },
    output: { filename: "assets/[name]-[contenthash:8].js" },
    module: { rules },
    resolve: { extensions: [".ts", ".js"] },
}, (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
});
"""
_TSCONFIG = {"compilerOptions": {"target": "es2022", "module": "esnext", "sourceMap": True}}


def install(bundler: str) -> Path:
    """Return the node_modules folder with Vite or webpack.

    Raises:
        ToolMissingError: it could not be installed.
    """
    return npm_install(_PACKAGES[bundler], TOOLS / bundler)


def _esbuild(folder: Path) -> None:
    program = npm_packages() / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--minify", "--sourcemap", "--entry-names=assets/[name]-[hash]"]
    run_node(program, "src/main.ts", *options, "--outdir=dist", "--log-level=warning", cwd=folder)


def _vite(folder: Path) -> None:
    (folder / "vite.config.mjs").write_text(_VITE_CONFIG)
    run_node(install("vite") / "vite" / "bin" / "vite.js", "build", "--logLevel=warn", cwd=folder)


def _webpack(folder: Path) -> None:
    modules = install("webpack")
    (folder / "tsconfig.json").write_text(json.dumps(_TSCONFIG))
    (folder / "build.cjs").write_text(
        _WEBPACK % (json.dumps(str(modules / "webpack")), json.dumps(str(modules / "ts-loader")))
    )
    run_node(folder / "build.cjs", cwd=folder)


BUNDLERS: Mapping[str, Callable[[Path], None]] = {
    "esbuild": _esbuild,
    "vite": _vite,
    "webpack": _webpack,
}
"""By name: bundle `src/main.ts` in a folder, and write scripts and source maps to its `dist`."""
