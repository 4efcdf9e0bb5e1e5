"""The folder that holds all that a local Kaifu keeps: database, spool, keys, logs, and who runs it.

run/       lock (held while it runs), pid, addresses.json, processes.json
keys/      rings and service secrets, mode 0600: without them addresses in sent mail are dead
database/  kafka/  spool/  tracker/   data
logs/      one file per part
sign-ins.json   the demo account's passwords, mode 0600
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.tokens import keyring

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("crm", "ingest", "tracker", "logger", "notifier", "broker", "database")
RINGS = ("tracking", "receipts", "cursors")


class AlreadyRunning(RuntimeError):
    """Another runner holds this home."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"Kaifu is already running (process {pid}): `make down` stops it")
        self.pid = pid


class Home:
    """Paths and small files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.run = self.root / "run"
        self.keys = self.root / "keys"
        self.logs = self.root / "logs"
        self.database = self.root / "database"
        self.kafka = self.root / "kafka"
        self.spool = self.root / "spool"
        self.tracker = self.root / "tracker"
        self.addresses = self.run / "addresses.json"
        self.processes = self.run / "processes.json"
        self.console = self.run / "console.log"
        self.sign_ins = self.root / "sign-ins.json"
        self._lock = self.run / "lock"

    def make(self) -> None:
        """Make the folders (readable by their owner alone), the key rings and the directory token."""
        self.make_without_rings()
        for ring in RINGS:
            with contextlib.suppress(FileExistsError):
                keyring.create(self.ring(ring))

    def make_without_rings(self) -> None:
        """The same for a home whose rings are about to be restored."""
        self._make_folders(self.root, self.run, self.keys, self.logs, self.database, self.spool, self.tracker)
        if not self._token.exists():
            write_private(self._token, secrets.token_urlsafe(32))

    @staticmethod
    def _make_folders(*folders: Path) -> None:
        for folder in folders:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True, mode=0o700)

    @property
    def _token(self) -> Path:
        return self.keys / "directory-token"

    @property
    def signing_keys(self) -> Path:
        """crm's private keys for access tokens; crm makes the file."""
        return self.keys / "signing-keys.json"

    @property
    def database_password_file(self) -> Path:
        """crm's password in the embedded database; missing until its user is made."""
        return self.keys / "database-password"

    def ring(self, name: str) -> Path:
        """The file of a key ring of RINGS."""
        return self.keys / f"{name}.json"

    def directory_token(self) -> str:
        """What crm and the services that may ask it share."""
        return self._token.read_text()

    def log(self, part: str) -> Path:
        """The log file of a part of PARTS."""
        return self.logs / f"{part}.log"

    def new_console(self) -> Path:
        """An empty file for what a runner without a terminal says."""
        self._make_folders(self.root, self.run)
        self.console.write_bytes(b"")
        return self.console

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one runner of this home; raises AlreadyRunning.

        The lock is the truth (it ends with its process, however that ends); the pid inside is for
        `down` and for people.
        """
        self._make_folders(self.root, self.run)
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(self.runner()) from None
            for stale in (self.addresses, self.processes):
                stale.unlink(missing_ok=True)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                self.addresses.unlink(missing_ok=True)
                self.processes.unlink(missing_ok=True)

    def runner(self) -> int | None:
        """The process that runs this home now; None if none does."""
        if not self._lock.exists():
            return None
        with self._lock.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = lock.read().strip()
                return int(text) if text.isdecimal() else None
        return None

    def running(self) -> dict[str, Any] | None:
        """The addresses of a stack that runs and is ready; None otherwise."""
        try:
            found: dict[str, Any] = json.loads(self.addresses.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found if found.get("pid") == self.runner() else None


def default_home() -> Home:
    """KAIFU_HOME, or var/ in the repository."""
    return Home(Path(os.environ.get("KAIFU_HOME") or REPOSITORY / "var"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at once or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
