"""A backup is whole or refused; keys are put back without losing others."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from shared.archive import key_files
from shared.archive.format import BackupUnusable, Part, Writer, check, new_private_file, parts

PARTS = [Part("keys/tracking.json", b"{}"), Part("collections/users/000000.bson", b"x" * 100_000)]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "a.backup"
    with new_private_file(path) as file:
        writer = Writer(file, {"made_at": "now"})
        for part in PARTS:
            writer.add(part)
        writer.close()
    return path


def _rewritten(path: Path, **changed: bytes) -> None:
    """The same archive with other content of some entries; None leaves one out."""
    made = io.BytesIO()
    with tarfile.open(path, "r|gz") as old, tarfile.open(fileobj=made, mode="w|gz") as new:
        for entry in old:
            file = old.extractfile(entry)
            assert file is not None
            content = changed.get(entry.name.split("/")[-1].split(".")[0], file.read())
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    path.write_bytes(made.getvalue())


def test_it_comes_back_as_it_was_for_its_owner_alone(backup: Path) -> None:
    assert list(parts(backup)) == PARTS
    assert check(backup) == [part.name for part in PARTS]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert list(backup.parent.iterdir()) == [backup]


def test_a_backup_replaces_no_file_and_leaves_none_half_done(backup: Path) -> None:
    with pytest.raises(FileExistsError), new_private_file(backup):
        pass
    with pytest.raises(ZeroDivisionError):
        _break_off(backup.with_name("b"))
    assert list(backup.parent.iterdir()) == [backup]


def _break_off(path: Path) -> None:
    with new_private_file(path) as file:
        file.write(b"half")
        raise ZeroDivisionError


@pytest.mark.parametrize("cut", [20, 200, 10_000_000])  # the last 8 bytes are gzip's own
def test_one_that_is_cut_off_is_refused(backup: Path, cut: int) -> None:
    whole = backup.read_bytes()
    backup.write_bytes(whole[: max(0, len(whole) - cut)])
    with pytest.raises(BackupUnusable):
        check(backup)


def test_one_that_was_cut_off_before_its_end_and_packed_again_is_refused(backup: Path) -> None:
    """As when a disk was full while it was written: gzip alone would not notice."""
    unpacked = gzip.decompress(backup.read_bytes())
    backup.write_bytes(gzip.compress(unpacked[:1024]))
    with pytest.raises(BackupUnusable, match="end is missing"):
        check(backup)


def test_one_that_was_changed_is_refused(backup: Path) -> None:
    _rewritten(backup, tracking=b"{ }")
    with pytest.raises(BackupUnusable, match="checksums"):
        check(backup)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"{}", "no backup of Kaifu"),
        (b"[", "no backup of Kaifu"),
        (json.dumps({"format": "kaifu-backup", "version": 2}).encode(), "format 2, this version reads 1"),
    ],
)
def test_another_format_is_refused_at_its_beginning(backup: Path, manifest: bytes, said: str) -> None:
    _rewritten(backup, manifest=manifest)
    with pytest.raises(BackupUnusable, match=said):
        next(parts(backup))


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no backup")
    for name in ("text", "missing"):
        with pytest.raises(BackupUnusable):
            check(tmp_path / name)


def _ring(*ids: str) -> bytes:
    return json.dumps({"current": 1, "keys": {one: f"key {one}" for one in ids}}).encode()


def test_a_ring_that_was_rotated_since_the_backup_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tracking.json"
    assert key_files.put(path, _ring("1"))
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(_ring("1", "2"))
    assert not key_files.differing(path, _ring("1"))
    assert not key_files.put(path, _ring("1"))
    assert path.read_bytes() == _ring("1", "2")


def test_other_keys_are_told_and_kept_beside_those_that_replace_them(tmp_path: Path) -> None:
    path = tmp_path / "tracking.json"
    path.write_bytes(_ring("7"))
    assert key_files.differing(path, _ring("1"))
    assert key_files.put(path, _ring("1"))
    assert path.read_bytes() == _ring("1")
    assert path.with_name("tracking.json.before-restore").read_bytes() == _ring("7")
