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
    "inferred.reply": {
        "en": "Inferred: the mail was answered, so it was read; an automatic answer is not ruled out.",
        "ja": "推定：返信があったため、メールは読まれています（自動応答の可能性は残ります）。",
    },
    "inferred.reply-at-once": {
        "en": "The answer came within a minute, as automatic ones do.",
        "ja": "1 分以内の返信です（自動応答によく見られます）。",
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
    "headers.in-advance": {
        "en": "Fetched in advance, as the request itself says: nobody had to look.",
        "ja": "要求自体が先読みであると示しています。表示されたとは限りません。",
    },
    "headers.not-a-visit": {
        "en": "A program fetched the link; the request does not come from somebody following it.",
        "ja": "リンクをたどる操作ではなく、プログラムによる取得でした。",
    },
    "headers.without-language": {
        "en": "It names a browser, but no language, which browsers send.",
        "ja": "ブラウザーを名乗っていますが、通常送られる言語の情報がありません。",
    },
    "headers.not-for-a-page": {
        "en": "It names a browser, but did not ask for a web page.",
        "ja": "ブラウザーを名乗っていますが、ウェブページを要求していません。",
    },
    "privacy.apple": {
        "en": "Apple's mail privacy loaded the picture, read or not, from a network known for it: "
        "possible open.",
        "ja": "Apple のメールプライバシー保護が、既知のネットワークから画像を読み込みました。読まれた"
        "かどうかは分かりません（開封の可能性あり）。",
    },
    "privacy.apple-address-unknown": {
        "en": "Apple's mail; without its address, its privacy protection cannot be told from a reader: "
        "possible open.",
        "ja": "Apple のメールですが、アドレスが不明なため、プライバシー保護による読み込みと閲覧を区別"
        "できません（開封の可能性あり）。",
    },
    "claims.forged-proxy": {
        "en": "It names itself Gmail's image proxy, but comes out of a data centre that is not Google's.",
        "ja": "Gmail の画像プロキシーを名乗っていますが、Google のものではないデータセンターからの取得です。",
    },
    "agents.declared": {
        "en": "A program that names itself, not a reader ({kind}).",
        "ja": "閲覧者ではなく、自ら名乗るプログラムです（種類: {kind}）。",
    },
    "agents.listed": {
        "en": "A program by the name in its agent, says a public list, not a reader ({kind}).",
        "ja": "公開リストによると、名乗っている名前は閲覧者ではなくプログラムのものです（種類: {kind}）。",
    },
    "agents.none": {
        "en": "It does not say what it is; mail programs and browsers do.",
        "ja": "何のプログラムか名乗っていません。メールソフトやブラウザーは名乗ります。",
    },
    "agents.robot-owner": {
        "en": "It names an owner to write to, as robots do.",
        "ja": "ロボットのように、連絡先となる運用者を名乗っています。",
    },
    "agents.not-a-browser": {
        "en": "A link was followed by something that is no browser.",
        "ja": "ブラウザーではないものがリンクを開きました。",
    },
    "senders.scanner": {
        "en": "It came from the network of a mail security company ({vendor}).",
        "ja": "メールセキュリティ会社のネットワーク（{vendor}）からのアクセスです。",
    },
    "senders.microsoft-link": {
        "en": "It came from Microsoft's network, from which Outlook's links are checked (Safe Links).",
        "ja": "Microsoft のネットワークからのアクセスです。Outlook のリンク検査（Sa"
        "fe Links）と考えられます。",
    },
    "senders.microsoft-picture": {
        "en": "Outlook's image proxy fetched the picture; place and device are Microsoft's.",
        "ja": "Outlook の画像プロキシーが画像を取得しました（場所と端末は Microsoft のものです）。",
    },
    "senders.image-proxy-link": {
        "en": "An image proxy followed the link; people follow links with their own browser.",
        "ja": "画像プロキシーがリンクを開きました。人は自分のブラウザーで開きます。",
    },
    "senders.google-link": {
        "en": "One of Google's services looked at the link.",
        "ja": "Google のサービスがリンクを確認しました。",
    },
    "senders.data-centre": {
        "en": "It came from a data centre, where programs run; some people work through one.",
        "ja": "データセンターからのアクセスです。通常はプログラムですが、人が経由することもあります。",
    },
    "threads.older-message": {
        "en": "A newer message of this thread was opened by the same client {seconds} s apart: this one "
        "was shown with it.",
        "ja": "同じスレッドの新しいメールが同じクライアントで {seconds} 秒違いで開かれており、一"
        "緒に表示されたものです。",
    },
    "bursts.links-at-once": {
        "en": "At least {links} different links within a second: nobody clicks so fast.",
        "ja": "1 秒以内に {links} 件以上の異なるリンクが開かれました。人のクリックではありません。",
    },
    "bursts.many-links": {
        "en": "At least {links} different links within half a minute, and not as somebody who reads.",
        "ja": "30 秒以内に {links} 件以上の異なるリンクが開かれました。閲覧している人の動きではありません。",
    },
    "bursts.picture-and-link": {
        "en": "Picture and link were fetched within the same second.",
        "ja": "画像とリンクが同じ 1 秒以内に取得されました。",
    },
    "bursts.with-the-burst": {
        "en": "What goes through the links like a scanner loaded the picture too.",
        "ja": "リンクを一斉に調べたものが、画像も取得しました。セキュリティ検査の動きです。",
    },
    "bursts.many-mails": {
        "en": "The same client fetched from {mails} of the account's mails within seconds.",
        "ja": "同じクライアントが数秒以内に、このアカウントの {mails} 通のメールにアクセスしました。",
    },
    "timing.too-fast": {
        "en": "Within two seconds of sending: nobody has a mail open so fast.",
        "ja": "送信から 2 秒以内です。これほど早くメールを開くことはできません。",
    },
    "signs.together": {
        "en": "Several signs of a program:",
        "ja": "プログラムによるアクセスの兆候が複数あります。",
    },
    "signs.soon": {
        "en": "So soon after sending, and nobody had read the mail yet:",
        "ja": "送信直後で、まだ誰もメールを読んでいません。",
    },
    "own-views.same-proxy": {
        "en": "If you read the mail on your phone, the same mail service would fetch the picture: that "
        "looks the same.",
        "ja": "ご自身がスマートフォンで開いた場合も同じメールサービスが画像を取得するため、区別できません。",
    },
    "default.head-alone": {
        "en": "Only the headers were asked for, as programs do.",
        "ja": "ヘッダーのみの要求でした。プログラムの動きです。",
    },
    "headers.without-metadata": {
        "en": "It names a recent browser, but does not say how it came to the link, which those do.",
        "ja": "新しいブラウザーを名乗っていますが、通常付与されるアクセス経路の情報がありません。",
    },
    "headers.page-for-a-picture": {
        "en": "It asked for a web page where a picture is shown.",
        "ja": "画像の表示なのに、ウェブページを要求しています。",
    },
    "agents.unknown-program": {
        "en": "A program that is neither a browser nor a mail program known here.",
        "ja": "既知のブラウザーでもメールソフトでもないプログラムです。",
    },
    "agents.impossible": {
        "en": "It names a browser that does not exist in that form.",
        "ja": "実在しない形のブラウザーを名乗っています。",
    },
    "agents.outdated": {
        "en": "It names a browser that is years old; scanners do.",
        "ja": "何年も前のブラウザーを名乗っています。検査プログラムによく見られます。",
    },
    "proxies.other": {
        "en": "A mail service's image proxy fetched the picture as somebody viewed the mail.",
        "ja": "メールが表示された際にメールサービスの画像プロキシーが画像を取得しました。",
    },
    "proxies.proton": {
        "en": "Proton Mail fetched the picture as somebody viewed the mail.",
        "ja": "メールが表示された際に Proton Mail が画像を取得しました。",
    },
    "privacy.not-apple": {
        "en": "It looks like Apple's mail privacy, but comes from a data centre that is not Apple's.",
        "ja": "Apple のメールプライバシー保護に似ていますが、Apple のものではないデータセン"
        "ターからのアクセスです。",
    },
    "bursts.proxy-follows": {
        "en": "The mail service's network fetched the link before or with the picture: it checked the mail.",
        "ja": "メールサービスのネットワークが、画像と同時またはその前にリンクも取得しました。メールの検"
        "査です。",
    },
    "privacy.apple-data-centre": {
        "en": "Apple's mail from a data centre: most likely its privacy protection; possible open.",
        "ja": "データセンターからの Apple のメールです。プライバシー保護による読み込みと考えられ"
        "ます（開封の可能性あり）。",
    },
    "senders.google-picture": {
        "en": "Google fetched the picture without its image proxy: a check, not a view.",
        "ja": "Google が画像プロキシー以外で画像を取得しました。閲覧ではなく検査です。",
    },
    "senders.yahoo-picture": {
        "en": "Yahoo's network fetched the picture as somebody viewed the mail.",
        "ja": "メールが表示された際に Yahoo のネットワークが画像を取得しました。",
    },
    "timing.before-send": {
        "en": "Before the mail was sent: only you had it then.",
        "ja": "メール送信前のアクセスです。その時点でメールを持っていたのはご自身だけです。",
    },
}
