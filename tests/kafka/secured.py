"""Apache Kafka that asks for passwords (SCRAM) and lets nobody do what no access list allows.

`python -m tests.kafka.secured PORT CONTROLLER_PORT FOLDER` becomes the server.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.kubernetes.access import USERS, Right, rights_of, user_name
from deploy.local.brokers import APACHE, Broker
from deploy.local.home import REPOSITORY
from deploy.local.kafka import JARS, cluster_id_of
from shared.bus.connection import client_options
from shared.settings import KafkaSettings

ADMIN = "admin"
_FILES = REPOSITORY / "deploy" / "kafka"
_RESOURCES = {"topic": 2, "group": 3}
_OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8}
_LITERAL, _ALLOW = 3, 3
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required"


def password_of(user: str) -> str:
    """A password for each Kafka user; nobody else can reach this broker."""
    return f"password-of-{user}"


def credentials(user: str) -> dict[str, str]:
    """KAIFU_KAFKA_… of a user."""
    return {
        "KAIFU_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAIFU_KAFKA_SASL_USERNAME": user,
        "KAIFU_KAFKA_SASL_PASSWORD": password_of(user),
    }


@dataclass(frozen=True, slots=True)
class Secured(Broker):
    """Each service is a user of its own."""

    def settings_of(self, service: str | None) -> dict[str, str]:
        """With the credentials of the service; without a service, of the administrator."""
        user = user_name(service) if service else ADMIN
        return {**APACHE.settings_of(service), **credentials(user)}


SECURED = Secured(
    name="secured",
    forgets=False,
    command=lambda ports, folder: [
        *(sys.executable, "-m", "tests.kafka.secured"),
        *(str(ports["broker"]), str(ports["controller"]), str(folder)),
    ],
    settings={},
    fetch_max_wait_ms={},
)


async def allow(settings: KafkaSettings, rights: dict[str, tuple[Right, ...]]) -> None:
    """Make the access lists, as Strimzi's User Operator makes them from `KafkaUser`."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        for user, all_rights in rights.items():
            for right, one in [(each, one) for each in all_rights for one in each.operations]:
                resource = (_RESOURCES[right.resource], right.name, _LITERAL)
                request = CreateAclsRequest(*resource, f"User:{user}", "*", _OPERATIONS[one], _ALLOW)
                answer = await admin._send_request(request)
                assert not [error for error, *_ in answer.creation_responses if error]
    finally:
        await admin.close()


def generated_rights() -> dict[str, tuple[Right, ...]]:
    """Of every user, as `kafka-users.yaml` has them."""
    return {user_name(user): rights_of(user) for user in USERS}


def main(port: str, controller_port: str, folder: Path) -> None:
    """Become the server. Exit code 1 and one line when something is missing."""
    java = shutil.which("java")
    if java is None or not any(JARS.glob("kafka_*.jar")):
        sys.exit("Apache Kafka can't be started: it takes Java 17 and its jars (make kafka)")
    command = [
        java,
        "-Xmx512m",
        f"-Dlog4j2.configurationFile={_FILES / 'log4j2.properties'}",
        "-cp",
        f"{JARS}/*",
    ]
    properties = _properties(port, controller_port, folder)
    users = [ADMIN, *map(user_name, USERS)]
    known = [f"SCRAM-SHA-512=[name={user},password={password_of(user)}]" for user in users]
    scram = [part for one in known for part in ("--add-scram", one)]
    identity = ["--cluster-id", cluster_id_of(folder), "--config", str(properties), "--ignore-formatted"]
    format_storage = [*command, "kafka.tools.StorageTool", "format", *identity, *scram]
    subprocess.run(format_storage, check=True, stdout=subprocess.DEVNULL)
    os.execv(java, [*command, "kafka.Kafka", str(properties)])  # noqa: S606 - this process becomes the server


def _properties(port: str, controller_port: str, folder: Path) -> Path:
    own = {
        "listeners": f"SERVICES://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"SERVICES://127.0.0.1:{port}",
        "listener.security.protocol.map": "SERVICES:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SERVICES",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.services.scram-sha-512.sasl.jaas.config": (
            f'{_LOGIN} username="{ADMIN}" password="{password_of(ADMIN)}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",  # nobody signs in at the controller's own port
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(folder / "data"),
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "server.properties"
    lines = "".join(f"{name}={value}\n" for name, value in own.items())
    path.write_text((_FILES / "server.properties").read_text() + "\n" + lines)
    return path


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
