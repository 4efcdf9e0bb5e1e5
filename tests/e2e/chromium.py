"""Chromium with the extension in it, and without it."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Playwright, Worker

from deploy.local.environment import EXTENSION_ID

# Not Google's Chrome: it loads no extension from a folder.
EXECUTABLE = Path(os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium")
BUILT = Path(__file__).resolve().parents[2] / "extension" / "dist" / "unpacked"
EXTENSION_ORIGIN = f"chrome-extension://{EXTENSION_ID}"
_LOOPBACK = ["http://127.0.0.1/*", "http://localhost/*"]
_GOOGLE = re.compile(r"https?://([a-z0-9.-]+\.)?(google|googleapis|gstatic)\.com/")
_NO_ORIGIN = "not an origin"
_WORKER_WITHIN_MS = 15_000


def require_chromium() -> None:
    """Say exactly what is missing."""
    assert EXECUTABLE.exists(), f"{EXECUTABLE} is missing: apt install chromium, or name it with CHROMIUM"
    assert BUILT.exists(), "the extension is not built: make extension"


def granted_copy(folder: Path) -> Path:
    """The built extension with the permission for loopback that a rep gives in Chrome's own dialog,
    which no script can press. Nothing else differs."""
    copy = folder / "extension"
    shutil.copytree(BUILT, copy)
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text())
    optional = manifest["optional_host_permissions"]
    assert set(_LOOPBACK) <= set(optional)
    manifest["host_permissions"] += _LOOPBACK
    manifest["optional_host_permissions"] = [one for one in optional if one not in _LOOPBACK]
    path.write_text(json.dumps(manifest))
    return copy


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def rep_browser(
    playwright: Playwright, profile: Path, extension: Path | None, gmail_port: int, language: str = "en"
) -> AsyncIterator[BrowserContext]:
    """The rep's browser. No name resolves but Gmail's, which is the stand-in. Whatever it asks of the network
    is written to `net_log(profile)`. `extension`: a folder, or none."""
    context = await playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=str(EXECUTABLE),
        headless=False,
        args=_arguments(profile, extension, gmail_port, language),
        env={"LANGUAGE": language, "LANG": "ja_JP.UTF-8" if language == "ja" else "en_US.UTF-8"},
        viewport={"width": 1280, "height": 800},
        locale=language,
    )
    try:
        yield context
    finally:
        await context.close()


@asynccontextmanager
async def unwatched_browser(profile: Path, extension: Path, gmail_port: int) -> AsyncIterator[None]:
    """The same without a driver: whoever looks into a service worker keeps it alive."""
    process = await asyncio.create_subprocess_exec(
        str(EXECUTABLE),
        *_arguments(profile, extension, gmail_port, "en"),
        f"--user-data-dir={profile}",
        *("--no-first-run", "--disable-background-networking", "--password-store=basic"),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _arguments(profile: Path, extension: Path | None, gmail_port: int, language: str) -> list[str]:
    loaded = [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
    return [
        "--headless=new",
        "--no-sandbox",
        *(loaded if extension else []),
        f"--host-resolver-rules=MAP mail.google.com 127.0.0.1:{gmail_port},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
        "--ignore-certificate-errors",
        f"--lang={language}",
        f"--log-net-log={net_log(profile)}",
    ]


def net_log(profile: Path) -> Path:
    """Chromium's own record of the network, complete when the browser is closed."""
    return profile.with_name(f"{profile.name}-net.json")


def contacted(log: Path) -> set[str]:
    """The addresses that requests of pages, service workers and sockets went to.

    What Chromium asks Google on its own account (whether it is up to date, how to fill in a form) is left
    out: no origin stands behind it.
    """
    return {request["url"] for request in _requests(log) if "url" in request and not _of_chromium(request)}


def _requests(log: Path) -> Iterator[dict[str, Any]]:
    content = json.loads(log.read_text())
    begins = content["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    return (event.get("params", {}) for event in content["events"] if event["type"] == begins)


def asked_in_order(log: Path) -> list[str]:
    """Method and address of each request of the extension's service worker, in order."""
    content = json.loads(log.read_text())
    types = content["constants"]["logEventTypes"]
    requests = (
        e["params"]
        for e in content["events"]
        if e["type"] == types["URL_REQUEST_START_JOB"] and "params" in e
    )
    return [
        f"{request['method']} {request['url']}"
        for request in requests
        if request.get("initiator") == EXTENSION_ORIGIN and "method" in request
    ]


def kill(profile: Path) -> None:
    """End the browser of this profile as a crash or a loss of power does."""
    for process in Path("/proc").iterdir():
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdecimal() else []
        except OSError:  # it ended meanwhile
            continue
        started = any(one.startswith(b"--type=") for one in arguments)
        if f"--user-data-dir={profile}".encode() in arguments and not started:
            os.kill(int(process.name), signal.SIGKILL)
            return
    raise AssertionError(f"no browser runs on {profile}")


def _of_chromium(request: dict[str, Any]) -> bool:
    without_origin: bool = request.get("initiator", _NO_ORIGIN) == _NO_ORIGIN
    return without_origin and _GOOGLE.match(request["url"]) is not None


async def worker_of(context: BrowserContext) -> Worker:
    """The extension's service worker."""
    for worker in context.service_workers:
        if worker.url.startswith(EXTENSION_ORIGIN):
            return worker
    found: Worker = await context.wait_for_event(
        "serviceworker", lambda worker: worker.url.startswith(EXTENSION_ORIGIN), timeout=_WORKER_WITHIN_MS
    )
    return found


async def stop_worker(context: BrowserContext) -> None:
    """End the extension's service worker, as Chromium does when it is idle or short of memory."""
    page, stopped = await context.new_page(), asyncio.Event()
    await page.goto(f"{EXTENSION_ORIGIN}/manifest.json")  # runs no script that wakes it up

    def heard(told: dict[str, Any]) -> None:
        if any(version["runningStatus"] == "stopped" for version in told["versions"]):
            stopped.set()

    session = await context.new_cdp_session(page)
    session.on("ServiceWorker.workerVersionUpdated", heard)
    await session.send("ServiceWorker.enable")
    await session.send("ServiceWorker.stopAllWorkers")
    async with asyncio.timeout(_WORKER_WITHIN_MS / 1000):
        await stopped.wait()
    await page.close()


async def reload_extension(context: BrowserContext) -> None:
    """As Chrome does to update it. An extension from a folder comes back in developer mode only."""
    page = await context.new_page()
    await page.goto("chrome://extensions")
    await page.evaluate("chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true })")
    worker = await worker_of(context)
    async with context.expect_event("serviceworker", timeout=_WORKER_WITHIN_MS):
        await worker.evaluate("void setTimeout(() => chrome.runtime.reload(), 0)")
    await page.close()
