"""Messages as frames, against the library's."""

import pytest
from websockets.frames import Frame, Opcode

from services.notifier.messages import framed


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_message_is_framed_as_the_library_does(length: int) -> None:
    message = b"x" * length
    assert framed(message) == Frame(Opcode.TEXT, message).serialize(mask=False)
