"""crm's user in the embedded database is made once."""

import asyncio
from pathlib import Path

from deploy.local.database_user import provide_user
from deploy.local.home import Home, write_private
from tests.unit.deploy.test_child import SLEEPER, make


async def test_with_a_password_the_database_is_not_opened_to_all_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    write_private(home.database_password_file, "kept")
    open_database = make(tmp_path, SLEEPER)
    said: list[str] = []
    async with asyncio.timeout(10):
        await provide_user(home, open_database, "mongodb://127.0.0.1:1/", said.append)
    assert not open_database.log.exists(), "never started"
    assert home.database_password_file.read_text() == "kept"
