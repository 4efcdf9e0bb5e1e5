"""What a Service is on a cluster: one address in front of the replicas that are ready, taken in turn."""

from tests.fault_proxy import FaultProxy


class Front(FaultProxy):
    """A connection stays where it is; new ones go to those that are taken in."""

    def __init__(self) -> None:
        super().__init__(to_port=0)
        self._replicas: list[int] = []

    def take_in(self, port: str) -> None:
        """The replica that listens there is ready."""
        if int(port) not in self._replicas:
            self._replicas.append(int(port))

    def leave_out(self, port: str | None) -> None:
        """It gets no new connections."""
        if port is not None and int(port) in self._replicas:
            self._replicas.remove(int(port))

    def _next_port(self) -> int:
        if not self._replicas:
            raise ConnectionRefusedError("no replica is ready")
        self._replicas.append(self._replicas.pop(0))
        return self._replicas[-1]
