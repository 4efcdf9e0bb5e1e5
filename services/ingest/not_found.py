"""The page for a link that is none of ours: small, in English or Japanese, and never a redirect."""

from html import escape

_TEXTS = {
    "en": ("This link does not work", "It is incomplete or was changed. Please copy it again from the mail."),
    "ja": (
        "このリンクは開けません",
        "リンクが途中で切れているか、変更されています。メールからもう一度コピーしてください。",
    ),
}


def language(accept_language: bytes) -> str:
    """`ja` if it is preferred to English by an Accept-Language header, else `en`."""
    best, best_weight = "en", 0.0
    for part in accept_language[:256].decode("latin-1").lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        known = tag.split("-")[0]
        weight = _weight(parameters)
        if known in _TEXTS and weight > best_weight:
            best, best_weight = known, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(float(value), 1.0)
    except ValueError:
        return 0.0


def page(tongue: str) -> bytes:
    """The HTML document, UTF-8."""
    title, advice = (escape(text) for text in _TEXTS[tongue])
    return (
        f'<!doctype html><html lang="{tongue}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{title}</title><h1>{title}</h1><p>{advice}</p></html>"
    ).encode()
