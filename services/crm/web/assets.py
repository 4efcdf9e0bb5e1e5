"""Static files under addresses that name their content, so that browsers keep them for ever."""

import hashlib
import mimetypes
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

_FOLDER = Path(__file__).with_name("static")
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_DIGITS = 12


class Assets:
    """All files of the folder, in memory."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self._hashes = {
            name: hashlib.sha256(content).hexdigest()[:_DIGITS] for name, content in self._contents.items()
        }

    def url(self, name: str) -> str:
        """The file's address. KeyError for a file that is not there."""
        return f"/static/{self._hashes[name]}/{name}"

    def answer(self, digest: str, name: str) -> Response:
        """The file, or 404 also for another version of it: what is kept for ever must be right."""
        if self._hashes.get(name) != digest:
            raise HTTPException(404)
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(self._contents[name], media_type=media_type, headers=_KEPT)


def routes(assets: Assets) -> APIRouter:
    """`/static/{digest}/{name}`."""
    router = APIRouter()

    @router.get("/static/{digest}/{name}")
    async def static(digest: str, name: str) -> Response:
        return assets.answer(digest, name)

    return router
