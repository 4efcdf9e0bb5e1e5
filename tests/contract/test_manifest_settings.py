"""What a service reads is set or keeps its default for a reason, and what is set is read."""

import pytest

from deploy.kubernetes.access import SERVICES
from deploy.kubernetes.defaults import KEPT
from deploy.kubernetes.strimzi import OVERLAYS
from tests.contract.manifests import (
    ALL_SETTINGS,
    each_workload,
    environment,
    settings_of,
    variables,
    variables_of,
    workloads,
)

_OURS = ("KAIFU_", "PUBLIC_")


def test_every_settings_class_is_read_by_somebody() -> None:
    """Else this module would not look at it."""
    assert {one for service in SERVICES for one in settings_of(service)} == set(ALL_SETTINGS)
    assert KEPT.keys() == {one.__name__ for one in ALL_SETTINGS}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_is_set_or_keeps_its_default_for_a_reason(overlay: str) -> None:
    """And none is both."""
    for service in SERVICES:
        found = environment(overlay, workloads(overlay)[service])
        for settings in settings_of(service):
            kept = KEPT[settings.__name__]
            for variable, field in variables(settings).items():
                assert (variable in found) != (field in kept), (
                    f"{variable} of {service}: set it, or say in kubernetes/defaults.py why not; not both"
                )


def test_no_reason_is_given_for_a_setting_that_is_gone() -> None:
    """Or that never had a default."""
    by_name = {one.__name__: one for one in ALL_SETTINGS}
    for name, reasons in KEPT.items():
        fields = by_name[name].model_fields
        assert reasons.keys() <= fields.keys()
        assert not [field for field in reasons if fields[field].is_required()]
        assert all(reasons.values())


def test_what_a_manifest_sets_is_read() -> None:
    """By the very process that gets it: a misspelt variable is one that nobody reads."""
    for overlay, workload in each_workload():
        ours = {name for name in environment(overlay, workload) if name.startswith(_OURS)}
        assert ours <= variables_of(workload.name), (overlay, workload.name)


def test_values_are_valid() -> None:
    """Each setting takes what its manifest says; secrets and files are not looked at."""
    for overlay, workload in each_workload():
        found = environment(overlay, workload)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in found.items():
                patch.setenv(name, "made-elsewhere" if value is None else value)
            for settings in settings_of(workload.name):
                settings()
