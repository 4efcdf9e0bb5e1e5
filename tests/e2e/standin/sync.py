"""Requests to `/sync/u/N/i/s`: the shapes that InboxSDK and gmail.js are seen to read.

A message is a list: 0 id, 1 sender, 2-4 To, Cc and Bcc as `[1, address, name]`, 6 when it was written,
7 subject, 8 body, 10 labels, 11 files as `[type, name, size, null, id, url]`. Where a scheduled mail's moment
stands is not described in public; here it is nested at 16.
"""

import json
from typing import Any

from tests.e2e.standin.mailbox import Account, Mail, Scheduled, new_hex_id, now_ms

SENDS = "^pfg"
SCHEDULES = "^scheduled"
_PLACES = ((13,), (2, 0, 4), (1,))


def take(account: Account, body: bytes) -> bytes:
    """Send, schedule or save a draft; the answer carries the ids of message and thread."""
    thread, inner = json.loads(body)[1][0][0][1]
    message = _message(inner)
    labels = message[10]
    mail = _mail(account, thread, message)
    if SENDS in labels:
        account.drafts.pop(mail.id, None)
        account.mails.append(mail)
    elif SCHEDULES in labels:
        account.drafts.pop(mail.id, None)
        account.scheduled.append(Scheduled(mail, _nested_number(message[16])))
    else:
        account.drafts[mail.id] = mail
    return _answer(thread, message, mail)


def take_back(account: Account, identifier: str) -> bytes | None:
    """Undo a send or cancel a scheduled one: the mail is a draft again. Answers with its body, as it came."""
    for sent in account.mails:
        if sent.id == identifier:
            account.mails.remove(sent)
            account.undone.append(sent)
            return _draft_again(account, sent)
    for waiting in account.scheduled:
        if waiting.mail.id == identifier:
            account.scheduled.remove(waiting)
            return _draft_again(account, waiting.mail)
    return None


def _draft_again(account: Account, mail: Mail) -> bytes:
    account.drafts[mail.id] = mail
    return json.dumps({"html": mail.html}).encode()


def _message(inner: list[Any]) -> list[Any]:
    for place in _PLACES:
        found: Any = inner
        for index in place:
            found = found[index] if isinstance(found, list) and len(found) > index else None
        if isinstance(found, list) and found and isinstance(found[0], list):
            return list(found[0])
    raise ValueError("no message in the request")


def _mail(account: Account, thread: str, message: list[Any]) -> Mail:
    to, cc, bcc = (tuple(one[1] for one in line or []) for line in message[2:5])
    hex_id = new_hex_id()
    files = tuple(account.files[one[4]] for one in message[11] or [])
    return Mail(
        id=message[0],
        to=to + cc + bcc,
        subject=message[7],
        html=message[8][1][0][1],
        sender=message[1][1],
        to_line=to,
        cc_line=cc,
        hex_id=hex_id,
        thread_id=_thread_id(thread, hex_id),
        at_ms=now_ms(),
        files=files,
    )


def _thread_id(thread: str, fresh: str) -> str:
    """A reply belongs to the thread that it names; a new mail begins one."""
    kind, _, rest = thread.partition(":")
    return f"{int(rest):016x}" if kind == "thread-f" else fresh


def _nested_number(value: Any) -> int:
    while isinstance(value, list):
        value = next(one for one in value if one is not None)
    return int(value)


def _answer(thread: str, message: list[Any], mail: Mail) -> bytes:
    answered: list[Any] = [None] * 56
    answered[0], answered[55] = message[0], mail.hex_id
    answered[2], answered[3], answered[4] = message[2], message[3], message[4]
    answered[7], answered[10] = message[7], message[10]
    ti: list[Any] = [None] * 20
    ti[4], ti[19] = [answered], mail.thread_id
    return json.dumps([None, [0, None, None, None, None, [[[thread, None, [None] * 6 + [[ti]]]]]]]).encode()
