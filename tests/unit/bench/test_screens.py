"""The light WebSocket clients of the fan-out bench, against frames of the library."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from bench.screens import frame_at, masked


@pytest.mark.parametrize("length", [0, 1, 125, 126, 300, 65_535])
def test_a_frame_of_the_server_is_found_only_when_all_of_it_is_there(length: int) -> None:
    payload = bytes(range(256)) * 256
    frame = Frame(Opcode.TEXT, payload[:length]).serialize(mask=False)
    stream = b"\x8a\x00" + frame + b"\x81"
    found = frame_at(stream, 2)
    assert found is not None
    opcode, start, end = found
    assert (opcode, stream[start:end], end) == (Opcode.TEXT, payload[:length], 2 + len(frame))
    assert frame_at(stream[:end], 2) == found
    for cut in {2, 3, 4, end - 1} - {end}:
        assert frame_at(stream[:cut], 2) is None
    assert frame_at(stream, end) is None


@pytest.mark.parametrize("length", [0, 125, 126, 5000])
def test_what_a_client_sends_is_understood_by_the_library(length: int) -> None:
    server = Protocol(Side.SERVER)
    server.receive_data(masked(Opcode.TEXT, b"x" * length))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert bytes(frame.data) == b"x" * length
