"""Says how this machine runs Apache Kafka: `container` where a Docker engine answers, else `kafka`."""

import docker
from docker.errors import DockerException

from deploy.local.brokers import APACHE, CONTAINER, Broker


def kafka_here() -> Broker:
    """The official image, or the jars where there is no engine."""
    try:
        docker.from_env().ping()
    except DockerException:
        return APACHE
    return CONTAINER


if __name__ == "__main__":
    print(kafka_here().name)
