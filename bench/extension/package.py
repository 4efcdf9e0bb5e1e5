"""The size of what a rep installs."""

import subprocess
import tempfile
import zipfile
from pathlib import Path

from bench.results import Figure, figure
from tests.e2e.chromium import BUILT

_EXTENSION = BUILT.parents[1]


def measure() -> Figure:
    """`extension_package_kb`, beside InboxSDK alone, which is the largest part of it."""
    (package,) = BUILT.parent.glob("*.zip")
    own, library = package.stat().st_size / 1000, _library() / 1000
    note = "zip; reference: InboxSDK alone, minified and zipped"
    return figure("extension_package_kb", "kB", [own], [library], [own / library], "", note)


def _library() -> int:
    with tempfile.TemporaryDirectory(prefix="kaifu-bench-") as folder:
        script = Path(folder) / "library.js"
        source = 'import * as sdk from "@inboxsdk/core"; globalThis.sdk = sdk;'
        esbuild = ["npx", "esbuild", "--bundle", "--minify", "--charset=utf8", f"--outfile={script}"]
        subprocess.run(esbuild, cwd=_EXTENSION, input=source.encode(), check=True, capture_output=True)
        packed = Path(folder) / "library.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(script, "library.js")
            archive.write(BUILT / "pageWorld.js", "pageWorld.js")
        return packed.stat().st_size
