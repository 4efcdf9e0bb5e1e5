"""Who is connected in the fan-out bench."""

from bench.fanout import SCREENS, _users


def test_all_clients_belong_to_a_user_and_users_have_their_screens_in_turn() -> None:
    users = _users(1000)
    assert sum(users.values()) == 1000
    assert list(users.values())[: 2 * len(SCREENS)] == [*SCREENS, *SCREENS]
