import { describe, expect, it } from "vitest";
import { looksAutomatic } from "../../core/automatic-answers";
import { receivedAt } from "../../core/message-time";
import { answeredBy, type SentMail } from "../../core/replies";

const SENT_AT = Date.UTC(2026, 10, 24, 9);
const OWN = new Set(["rep@x.example", "sales@x.example"]);

function idAt(ms: number): string {
  return ((BigInt(ms) << 20n) | 7n).toString(16).padStart(16, "0");
}

function mail(name: string, more: Partial<SentMail> = {}): SentMail {
  return {
    message_id: name,
    provider_message_id: null,
    sentAt: SENT_AT,
    from: "rep@x.example",
    pixel: `https://t.example/o/${name}.gif`,
    anonymous: false,
    recipients: [
      { slot: 0, address: "ann@y.example" },
      { slot: 1, address: "Bob@Z.example" },
    ],
    ...more,
  };
}

function answer(sender: string, seconds = 600) {
  return { id: idAt(SENT_AT + 1000 * seconds), sender, at: SENT_AT + 1000 * seconds };
}

describe("the time of a message (B7)", () => {
  it("stands in Gmail's id", () => {
    // A mail whose headers say: Sat, 23 Aug 2014 14:02:24 -0700.
    expect(new Date(receivedAt("14804ad5ff61cc88") ?? 0).toISOString()).toBe("2014-08-23T21:02:24.246Z");
  });

  it.each(["", "msg-a:r123", "00000000000000ff", "14804ad5ff61cc8", "14804ad5ff61cc8g", "-4804ad5ff61cc88"])(
    "is not in %j",
    (id) => expect(receivedAt(id)).toBeNull(),
  );
});

describe("an answer (B7, B6)", () => {
  it("proves that the mail was open to the recipient who wrote it, however they spell themselves", () => {
    expect(answeredBy(answer("ANN@y.example"), [mail("a")], OWN)).toEqual({ message_id: "a", slot: 0 });
    expect(answeredBy(answer("bob@z.example"), [mail("a")], OWN)).toEqual({ message_id: "a", slot: 1 });
  });

  it("names nobody where the recipients are not known, or opens are anonymous (P3)", () => {
    const nobody = { message_id: "a", slot: null };
    expect(answeredBy(answer("carl@y.example"), [mail("a", { recipients: [] })], OWN)).toEqual(nobody);
    expect(answeredBy(answer("ann@y.example"), [mail("a", { anonymous: true })], OWN)).toEqual(nobody);
  });

  it("is none of somebody who was not written to, as the rep by an address that is not known", () => {
    const [ann] = mail("a").recipients;
    for (const more of [{}, { anonymous: true }, { recipients: ann ? [ann] : [] }])
      expect(answeredBy(answer("me@alias.example"), [mail("a", more)], OWN)).toBeNull();
  });

  it("is none of the rep's own, under any name", () => {
    for (const own of ["rep@x.example", "Sales@x.example", "alias@w.example"])
      expect(answeredBy(answer(own), [mail("a", { from: "Alias@w.example" })], OWN)).toBeNull();
    const sent = mail("a", { provider_message_id: answer("").id });
    expect(answeredBy(answer("ann@y.example"), [mail("b"), sent], OWN)).toBeNull();
  });

  it.each([
    "MAILER-DAEMON@googlemail.com",
    "postmaster@y.example",
    "no-reply@y.example",
    "bounces+1=a@y.example",
    "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@y.example",
    "notifications@y.example",
    "auto-reply@y.example",
    "AutoReply+12@y.example",
  ])("is none of a mail system's, though it was written to: %s", (address) => {
    const written = mail("a", { recipients: [{ slot: 0, address }] });
    expect(answeredBy(answer(address), [written], OWN)).toBeNull();
  });

  it.each(["microsoftexchange@y.example", "autoreplying@y.example", "mynotifications@y.example"])(
    "may be a person's whose address begins or ends alike: %s",
    (address) => {
      const written = mail("a", { recipients: [{ slot: 0, address }] });
      expect(answeredBy(answer(address), [written], OWN)?.slot).toBe(0);
    },
  );

  it("is to the newest of the mails before it, by Gmail's clock where it is known", () => {
    const first = mail("first");
    const later = mail("later", { sentAt: SENT_AT + 300_000 });
    const after = mail("after", { sentAt: SENT_AT + 700_000 });
    for (const thread of [
      [first, later, after],
      [after, later, first],
    ]) {
      expect(answeredBy(answer("ann@y.example", 600), thread, OWN)?.message_id).toBe("later");
      expect(answeredBy(answer("ann@y.example", 200), thread, OWN)?.message_id).toBe("first");
    }
    expect(answeredBy(answer("ann@y.example", -1), [first, later, after], OWN)).toBeNull();
    const slow = mail("slow", { sentAt: SENT_AT + 900_000, provider_message_id: idAt(SENT_AT + 400_000) });
    expect(answeredBy(answer("ann@y.example", 600), [first, slow], OWN)?.message_id).toBe("slow");
  });

  it("to a mail that is not tracked, or was taken back, proves nothing of an earlier one", () => {
    const untracked = mail("untracked", { pixel: null, sentAt: SENT_AT + 1000 });
    expect(answeredBy(answer("ann@y.example"), [mail("a"), untracked], OWN)).toBeNull();
    expect(answeredBy(answer("ann@y.example"), [mail("a", { sentAt: null })], OWN)).toBeNull();
    expect(answeredBy(answer("ann@y.example"), [], OWN)).toBeNull();
  });
});

describe("an automatic answer", () => {
  it.each([
    "Thank you for your message. I am Out of  Office until Monday.",
    "This is an automatically generated message.",
    "AUTO-REPLY: we got your ticket",
    "I'm on annual leave",
    "お世話になっております。ただいま不在にしております。",
    "【自動返信】お問い合わせありがとうございます",
    "Abwesenheitsnotiz: Ich bin ab Montag wieder da.",
    "Réponse automatique : je suis en congés",
    "Bonjour, je suis en congé",
    "Je suis en conge\u0301 jusqu'au 3.",
    "Respuesta automática",
  ])("is known by its wording: %s", (text) => expect(looksAutomatic(text)).toBe(true));

  it.each([
    "",
    "Thanks, Tuesday works for us.",
    "ありがとうございます。火曜日でお願いします。",
    "Automatic doors, please",
    "Le document est en congélation, le tien congédié.",
  ])("is not: %s", (text) => expect(looksAutomatic(text)).toBe(false));

  it("is looked for in the beginning alone", () => {
    expect(looksAutomatic(`${"a ".repeat(300)}out of office`)).toBe(false);
    expect(looksAutomatic(`Hello,${" \n\t".repeat(300)}I am out of office`)).toBe(true);
  });
});
