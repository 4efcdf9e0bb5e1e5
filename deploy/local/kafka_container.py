"""Apache Kafka's official image as a process: the container lives exactly as long as the process.

`python -m deploy.local.kafka_container --port 8810 --folder var/kafka`
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local.kafka import VERSION, cluster_id_of
from deploy.local.ports import LOOPBACK

IMAGE = f"apache/kafka:{VERSION}"
_INSIDE = 9092
_DATA = "/var/lib/kafka/data"
_CONFLICT = 409
_LAST_WORDS = 15  # lines


def main() -> None:
    """Run the container until SIGTERM or SIGINT. Exit code 1 and one line without a Docker engine."""
    asked = _asked()
    if asked.guard:
        _guard(asked.guard)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    testcontainers_config.ryuk_disabled = True  # the guard does what that image is for, and needs none
    name = _name(asked.port)
    try:
        _remove(name)
        with _guarded(name), _container(name, asked.port, asked.folder) as running:
            container = running.get_wrapped_container()
            code = container.wait()["StatusCode"]
            words = container.logs(tail=_LAST_WORDS).decode(errors="replace")
    except DockerException as error:
        sys.exit(f"Apache Kafka's container can't be started: {error}")
    sys.exit(f"{words}Apache Kafka's container ended with exit code {code}")


def send(port: int, wish: signal.Signals) -> None:
    """Do to the broker at that port what SIGSTOP, SIGCONT or SIGKILL does to a process."""
    if wish is signal.SIGKILL:
        _remove(_name(port))
        return
    client = docker.from_env()
    try:
        container = client.containers.get(_name(port))
        {signal.SIGSTOP: container.pause, signal.SIGCONT: container.unpause}[wish]()
    finally:
        client.close()


def environment(port: int, cluster_id: str) -> dict[str, str]:
    """What the image is told; it writes its server.properties from it."""
    return {
        "CLUSTER_ID": cluster_id,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{_INSIDE},CONTROLLER://{LOOPBACK}:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@{LOOPBACK}:9093",
        "KAFKA_LOG_DIRS": _DATA,
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "LOG_DIR": "/tmp/kafka",  # noqa: S108 - of the container; the image's own belongs to its user
    }


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--guard", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _name(port: int) -> str:
    return f"kaifu-kafka-{port}"


def _container(name: str, port: int, folder: Path) -> DockerContainer:
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The data are to belong to who runs this; the image's user alone may write to the image's folders.
    user, group = os.getuid(), os.getgid()
    container = DockerContainer(IMAGE, user=f"{user}:{group}").with_name(name)
    container.with_tmpfs_mount("/opt/kafka/config", f"uid={user},gid={group}")
    container.with_volume_mapping(data, _DATA, "rw")
    # docker's client takes an address too; with_bind_ports would listen on all of them
    container.ports[str(_INSIDE)] = (LOOPBACK, port)  # type: ignore[assignment]
    for variable, value in environment(port, cluster_id_of(folder)).items():
        container.with_env(variable, value)
    return container


def _guarded(name: str) -> "subprocess.Popen[bytes]":
    """Another process, which removes the container when this one is killed: its end of the pipe is closed."""
    guard = [sys.executable, "-m", "deploy.local.kafka_container", "--guard", name]
    return subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)


def _guard(name: str) -> None:
    sys.stdin.read()
    _remove(name)


def _remove(name: str) -> None:
    client = docker.from_env()
    try:
        container = client.containers.get(name)
        try:
            container.remove(force=True, v=True)
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
            container.wait(condition="removed")  # another guard is at it
    except NotFound:
        return
    finally:
        client.close()


if __name__ == "__main__":
    main()
