"""Associations of a logged mail that people put right by hand (R3), and how that is told (L13). Pure."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.crm.model.messages import HandEdit, Message
from services.crm.rules.files import MessageFile
from services.crm.rules.times import to_milliseconds
from shared.directory.contract import RecordRef
from shared.events.ids import derived_id
from shared.events.log_decisions import RecordType
from shared.events.log_reasons import Language, ReasonText

MOST_RECORDS = 200  # on which a mail stands
MOST_EDITS = 1000  # records of one mail that were ever edited: they are kept with the mail
ADDED_RULE, REMOVED_RULE = "added-by-hand", "removed-by-hand"
_TOLD = {
    ADDED_RULE: ReasonText(
        en="{name} added the record by hand after the mail was logged.",
        ja="ログの後に{name}さんがこのレコードを手動で関連付けました。",
    ),
    REMOVED_RULE: ReasonText(
        en="{name} removed the record by hand after the mail was logged.",
        ja="ログの後に{name}さんがこのレコードの関連付けを手動で解除しました。",
    ),
}
_SOMEBODY = ReasonText(en="A former colleague", ja="以前の同僚")


def put_right(
    file: MessageFile, added: Collection[RecordRef], removed: Collection[RecordRef], by: UUID, at: datetime
) -> MessageFile:
    """The file of a mail that was put on some records and taken off others."""
    edits = {(one.record_type, one.record_id): one for one in file.message.hand_edits}
    for refs, on in ((added, True), (removed, False)):
        for ref in refs:
            edits[ref.record_type, ref.record_id] = HandEdit(
                record_type=ref.record_type,
                record_id=ref.record_id,
                added=on,
                user_id=by,
                at=to_milliseconds(at),
            )
    ordered = tuple(edits[key] for key in sorted(edits))
    return replace(file, message=file.message.model_copy(update={"hand_edits": ordered}))


def version_of(refs: Collection[RecordRef]) -> int:
    """The version of a mail's associations: another one whenever they are others."""
    named = sorted(f"{ref.record_type.value}:{ref.record_id}" for ref in refs)
    return derived_id("mail-associations", *named).int % 10**15


def edit_of(message: Message, record_type: RecordType, record_id: UUID | None) -> HandEdit | None:
    """The last edit of a record, if there was any."""
    edits = message.hand_edits
    return next((one for one in edits if (one.record_type, one.record_id) == (record_type, record_id)), None)


def told(edit: HandEdit, name: str | None, language: Language) -> tuple[str, str]:
    """The rule and its sentence. `name`: who it was; None: a former colleague."""
    rule = ADDED_RULE if edit.added else REMOVED_RULE
    text, somebody = _TOLD[rule], _SOMEBODY
    if language == "ja":
        return rule, text.ja.format(name=name) if name else text.ja.format(name=somebody.ja)
    return rule, text.en.format(name=name or somebody.en)
