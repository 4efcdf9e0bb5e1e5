"""Apache Kafka as a process: formats its storage at the first start and becomes the server.

`python -m deploy.local.kafka --port 8810 --controller-port 8812 --folder var/kafka`
"""

import argparse
import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from deploy.local.home import REPOSITORY
from deploy.local.ports import LOOPBACK

JARS = REPOSITORY / ".kafka"
VERSION = "4.3.1"  # of deploy/kafka/pom.xml
_HERE = REPOSITORY / "deploy" / "kafka"
# It is one node with little to keep in memory; the page cache does the rest.
_JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-Djava.net.preferIPv4Stack=true")


class Missing(RuntimeError):
    """What it needs is not here; the message says what to do."""


def main() -> None:
    """Become the server. Exit code 1 and one line when something is missing."""
    asked = _asked()
    try:
        java = _java()
        properties = _properties(asked)
        if not (asked.folder / "data" / "meta.properties").exists():
            _format(java, properties, cluster_id_of(asked.folder))
    except Missing as error:
        sys.exit(f"Apache Kafka can't be started: {error}")
    os.execv(java[0], [*java, "kafka.Kafka", str(properties)])  # noqa: S606 - this process becomes the server


def cluster_id_of(folder: Path) -> str:
    """The id of the cluster whose data are there: chosen once, kept beside them."""
    kept = folder / "cluster-id"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept.write_text(next(filter(_is_argument, iter(_random_id, ""))))
    return kept.read_text()


def _random_id() -> str:
    return base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


def _is_argument(cluster_id: str) -> bool:
    """Kafka's tools take one that begins with a dash for an option, so it makes none either."""
    return not cluster_id.startswith("-")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--controller-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument(
        "--proxied",
        type=int,
        nargs=2,
        metavar=("PORT", "PROXY"),
        help="a second listener on PORT, whose clients are told that the broker is at PROXY",
    )
    return parser.parse_args()


def _java() -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise Missing("Java 17 or newer is not installed (Debian: apt install openjdk-17-jre-headless)")
    if not any(JARS.glob("kafka_*.jar")):
        raise Missing("its jars are not here: make kafka")
    log = f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}"
    return [java, *_JVM, log, "-cp", f"{JARS}/*"]


def _properties(asked: argparse.Namespace) -> Path:
    listeners = {"PLAINTEXT": asked.port, "CONTROLLER": asked.controller_port}
    advertised = {"PLAINTEXT": asked.port}
    if asked.proxied:
        listeners["PROXIED"], advertised["PROXIED"] = asked.proxied
    own = {
        "listeners": _addresses(listeners),
        "advertised.listeners": _addresses(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
        "controller.quorum.voters": f"1@{LOOPBACK}:{asked.controller_port}",
        "log.dirs": str(asked.folder / "data"),
    }
    lines = [f"{name}={value}\n" for name, value in own.items()]
    asked.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path: Path = asked.folder / "server.properties"
    path.write_text((_HERE / "server.properties").read_text() + "\n" + "".join(lines))
    return path


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())


def _format(java: list[str], properties: Path, cluster_id: str) -> None:
    arguments = ["format", "--cluster-id", cluster_id, "--config", str(properties)]
    done = subprocess.run(
        [*java, "kafka.tools.StorageTool", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Missing(f"its storage can't be formatted: {' '.join(last)}")


if __name__ == "__main__":
    main()
