"""`python -m shared.health.probe 8820`: exit code 0 when the process whose ops port that is is ready.

For HEALTHCHECK of an image. Only the standard library: it runs every few seconds.
"""

import http.client
import sys

_ANSWER_WITHIN_S = 3.0


def ready(port: int) -> bool:
    """Whether the ops listener on loopback says so."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(sys.argv[1])) else 1)
