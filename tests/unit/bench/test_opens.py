"""The light mail readers of the push bench."""

import asyncio

import pytest

from bench.opens import BadAnswer, Readers, is_whole

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\ncontent-length: 3\r\n\r\nGIF"


def test_an_answer_is_whole_with_the_last_byte_of_its_body() -> None:
    assert [is_whole(ANSWER[:cut]) for cut in (0, 20, len(ANSWER) - 3, len(ANSWER) - 1)] == [False] * 4
    assert is_whole(ANSWER)
    with pytest.raises(ValueError, match="Content-Length"):
        is_whole(b"HTTP/1.1 200 OK\r\n\r\n")


async def test_readers_keep_their_connections_and_notice_a_bad_answer() -> None:
    heads: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(ANSWER if b"/good" in heads[-1] else ANSWER.replace(b"200 OK", b"503 No"))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    async with server, Readers(origin, {"User-Agent": "a reader"}, 2) as readers:
        await asyncio.gather(*(readers.get(f"{origin}/good") for _ in range(2)))
        await readers.get(f"{origin}/good")
        with pytest.raises(BadAnswer, match="503"):
            await readers.get(f"{origin}/bad")
        await readers.get(f"{origin}/good", "198.18.0.1")
    assert connections == 2
    assert heads[-1].endswith(b"\r\nUser-Agent: a reader\r\nX-Forwarded-For: 198.18.0.1\r\n\r\n")
    assert (
        heads[0] == f"GET /good HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: a reader\r\n\r\n".encode()
    )
