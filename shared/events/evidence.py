"""The sentences of evidence: by rule id and language, with the values that the rule gives.

Every reader of `Evidence` renders with these: `SENTENCES[evidence.rule]["ja"].format(**evidence.values)`.
A rule that is no longer shipped keeps its sentence, because its verdicts stay on record.
"""

from typing import Literal

Language = Literal["en", "ja"]

SENTENCES: dict[str, dict[Language, str]] = {
    "prefetch.gmail": {
        "en": "Gmail loaded the picture in advance, before anybody looked: its prefetch program, from an "
        "address of Google's.",
        "ja": "Gmail が表示前に画像を先読みしました（先読み用プログラムで、アドレスも Google のものです）。",
    },
    "prefetch.gmail-address-unknown": {
        "en": "It looks like Gmail's prefetch, but the address is unknown, so that is not shown.",
        "ja": "Gmail の先読みのように見えますが、アドレスが不明なため確認できません。",
    },
    "prefetch.gmail-elsewhere": {
        "en": "It looks like Gmail's prefetch, but does not come from a known address of Google's.",
        "ja": "Gmail の先読みのように見えますが、既知の Google のアドレスからではありません。",
    },
    "own-views.same-browser": {
        "en": "You were viewing the mail yourself within {seconds} s, with the same browser and address.",
        "ja": "{seconds} 秒以内に、同じブラウザー・同じアドレスからご自身がこのメールを表示していました。",
    },
    "own-views.same-agent": {
        "en": "You were viewing the mail yourself within {seconds} s, with the same kind of browser.",
        "ja": "{seconds} 秒以内に、同じ種類のブラウザーでご自身がこのメールを表示していました。",
    },
    "own-views.through-proxy": {
        "en": "You were viewing the mail yourself within {seconds} s; the mail service's proxy hides who "
        "looked, so a recipient in the same moment is not ruled out.",
        "ja": "{seconds} 秒以内にご自身がこのメールを表示していました。メールサービスのプロキシー経由のため、"
        "同じ瞬間の受信者の閲覧である可能性も残ります。",
    },
    "privacy.apple-bare-agent": {
        "en": "A privacy proxy such as Apple Mail's loads every picture, read or not: possible open.",
        "ja": "Apple メールなどのプライバシープロキシーは、読まれたかどうかに関係なく画像を読み込みます"
        "（開封の可能性あり）。",
    },
    "proxies.google": {
        "en": "Gmail's image proxy fetched the picture as somebody viewed the mail; place and device are "
        "Google's.",
        "ja": "メールが表示された際に Gmail の画像プロキシーが画像を取得しました（場所と端末は Google の"
        "ものです）。",
    },
    "proxies.google-address-unknown": {
        "en": "Gmail's image proxy, by its name; the address is unknown.",
        "ja": "名称から Gmail の画像プロキシーと判断しました（アドレスは不明です）。",
    },
    "proxies.google-elsewhere": {
        "en": "It names itself Gmail's image proxy, but does not come from a known address of Google's.",
        "ja": "Gmail の画像プロキシーを名乗っていますが、既知の Google のアドレスからではありません。",
    },
    "proxies.yahoo": {
        "en": "Yahoo's image proxy fetched the picture as somebody viewed the mail.",
        "ja": "メールが表示された際に Yahoo の画像プロキシーが画像を取得しました。",
    },
    "repeats.open": {
        "en": "The same client loaded the picture {seconds} s before: counted once.",
        "ja": "{seconds} 秒前に同じクライアントが画像を読み込んでいます。1 回として数えます。",
    },
    "repeats.click": {
        "en": "The same client followed this link {seconds} s before: counted once.",
        "ja": "{seconds} 秒前に同じクライアントがこのリンクを開いています。1 回として数えます。",
    },
    "repeats.head-and-get": {
        "en": "The same client asked twice, once for the headers only: counted once.",
        "ja": "同じクライアントがヘッダーのみの要求と本体の要求を行いました。1 回として数えます。",
    },
    "inferred.click": {
        "en": "Inferred: the link could be followed only from the opened mail.",
        "ja": "推定：リンクのクリックは、メールが開封されたことを示します。",
    },
    "timing.after-send": {
        "en": "{seconds} s after the mail was sent.",
        "ja": "メール送信から {seconds} 秒後。",
    },
    "default.open": {
        "en": "Nothing speaks for a machine; a preview pane cannot be told from reading.",
        "ja": "機械によるものと示す兆候はありません（プレビュー表示と閲覧は区別できません）。",
    },
    "default.click": {
        "en": "Nothing speaks for a machine; a link scanner that acts like a browser is not ruled out.",
        "ja": "機械によるものと示す兆候はありません（ブラウザーを装うリンク検査の可能性は残ります）。",
    },
    "default.head": {
        "en": "Only the headers were asked for; a mail reader seldom does that.",
        "ja": "ヘッダーのみの要求でした（メールソフトでは通常行われません）。",
    },
}
