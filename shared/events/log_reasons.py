"""The sentences behind the rule ids of a logging decision (L13), for people, in English and Japanese.

`services/logger/rules.py` gives the ids; whoever shows a decision looks its sentence up here.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ja"]
NEVER_LOG_RULE = "never-log-list"
CONTACT_ASKED_FOR_RULE = "contact-asked-for"
NON_MARKETING_RULE = "contact-non-marketing"
NO_MARKETING_STATUS_RULE = "contact-without-marketing-status"


@dataclass(frozen=True, slots=True)
class ReasonText:
    """One reason, as a whole sentence in each language."""

    en: str
    ja: str


LOG_REASONS: dict[str, ReasonText] = {
    "sender-not-ours": ReasonText(
        en="The sender is neither a user of the account nor one of the user's addresses or aliases.",
        ja="送信元は、このアカウントのユーザーでも、ユーザーが接続したアドレスやエイリアスでもありません。",
    ),
    "log-not-asked": ReasonText(
        en="Log was not ticked when the mail was sent.",
        ja="送信時に「ログ」がオンになっていませんでした。",
    ),
    "account-logging-off": ReasonText(
        en="Logging is switched off for the account.",
        ja="アカウントの設定でログがオフになっています。",
    ),
    "nothing-ticked": ReasonText(
        en="No record was ticked when the mail was sent.",
        ja="送信時に関連付けるレコードが選択されていませんでした。",
    ),
    NEVER_LOG_RULE: ReasonText(
        en="The recipient is on the never-log list.",
        ja="受信者は「ログしない」リストに登録されています。",
    ),
    "all-recipients-never-logged": ReasonText(
        en="Every recipient of the mail is on the never-log list.",
        ja="このメールの受信者は全員「ログしない」リストに登録されています。",
    ),
    "record-ticked": ReasonText(
        en="The record was ticked when the mail was sent.",
        ja="送信時にこのレコードが選択されていました。",
    ),
    "record-not-ticked": ReasonText(
        en="The recipient's contact was not ticked when the mail was sent.",
        ja="送信時に受信者のコンタクトが選択されていませんでした。",
    ),
    "record-gone": ReasonText(
        en="The record was ticked but no longer exists.",
        ja="選択されていたレコードはすでに存在しません。",
    ),
    "no-contact": ReasonText(
        en="The recipient is not a contact.",
        ja="受信者はコンタクトではありません。",
    ),
    CONTACT_ASKED_FOR_RULE: ReasonText(
        en="Create as new contact was ticked for the recipient.",
        ja="受信者に「新規コンタクトとして作成」が選択されていました。",
    ),
    NON_MARKETING_RULE: ReasonText(
        en="The new contact is marked as non-marketing.",
        ja="新規コンタクトはマーケティング対象外として登録されます。",
    ),
    NO_MARKETING_STATUS_RULE: ReasonText(
        en="The account does not use marketing contacts: the new contact has no marketing status.",
        ja="アカウントでマーケティングコンタクトを使用していないため、新規コンタクトのマーケティングステータスは設定されません。",
    ),
    "contact-not-made": ReasonText(
        en="A new contact was asked for, but there was none when the mail was logged.",
        ja="「新規コンタクトとして作成」が選択されていましたが、ログの時点でコンタクトがありませんでした。",
    ),
}


def log_reason(rule: str, language: Language) -> str:
    """The sentence of a rule; the id itself when a newer logger gave one unknown here."""
    text = LOG_REASONS.get(rule)
    if text is None:
        return rule
    return text.ja if language == "ja" else text.en
