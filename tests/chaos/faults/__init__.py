"""What may happen to a product, one file each."""

from tests.chaos.faults import (
    f01_killed,
    f02_broker_away,
    f03_broker_sick,
    f04_suspended,
    f05_scaled,
    f06_database_restarted,
    f07_poison,
    f08_dropping_screens,
    f09_clock_steps,
    f10_posted_again,
    f11_noisy_account,
    f12_disk_full,
    f13_rolled,
)
from tests.chaos.rounds import Fault

FAULTS: tuple[Fault, ...] = (
    f01_killed.FAULT,
    f02_broker_away.FAULT,
    f03_broker_sick.FAULT,
    f04_suspended.FAULT,
    f05_scaled.FAULT,
    f06_database_restarted.FAULT,
    f07_poison.FAULT,
    f08_dropping_screens.FAULT,
    f09_clock_steps.FAULT,
    f10_posted_again.FAULT,
    f11_noisy_account.FAULT,
    f12_disk_full.FAULT,
    f13_rolled.FAULT,  # the last: replicas are elsewhere afterwards
)
BY_ID = {fault.id: fault for fault in FAULTS}
