import { afterEach, describe, expect, it, vi } from "vitest";
import { original, originalAddress } from "../../gmail/original";
import { filesIn } from "../../worker/attachments";

const MAIL = [
  "From: rep@us.example",
  "Subject: Files",
  'Content-Type: multipart/mixed; boundary="m"',
  "",
  "--m",
  'Content-Type: multipart/related; boundary="r"',
  "",
  "--r",
  "Content-Type: text/html; charset=utf-8",
  "",
  '<p>Hi <img src="cid:logo"></p>',
  "--r",
  "Content-Type: image/png",
  "Content-ID: <logo>",
  'Content-Disposition: inline; filename="logo.png"',
  "Content-Transfer-Encoding: base64",
  "",
  "iVBORw0KGgo=",
  "--r--",
  "--m",
  "Content-Type: application/pdf",
  "Content-Disposition: attachment; filename*=UTF-8''%E8%A6%8B%E7%A9%8D.pdf",
  "Content-Transfer-Encoding: base64",
  "",
  "JVBERi0xLjc=",
  "--m",
  "Content-Type: text/plain",
  "Content-Disposition: attachment",
  "",
  "no name",
  "--m--",
  "",
].join("\r\n");

const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer;

describe("attachments of a sent mail (L10)", () => {
  it("are its attached files, byte for byte, without the pictures within its text", async () => {
    const files = await filesIn(bytes(MAIL));
    const read = files.map(({ content, ...file }) => ({ ...file, text: new TextDecoder().decode(content) }));
    expect(read).toEqual([
      {
        index: 0,
        name: "見積.pdf",
        type: "application/pdf",
        text: "%PDF-1.7",
        sha256: "86edbaa24831badfa0a8b04bb410141e2ee4182b6d0014493fe262a7a331c20b",
      },
      expect.objectContaining({ index: 1, name: "attachment-2", type: "text/plain" }),
    ]);
  });

  it("are none in a mail without any", async () => {
    expect(await filesIn(bytes("From: a@b.example\r\n\r\nHello"))).toEqual([]);
  });
});

describe("the original of a mail in Gmail", () => {
  afterEach(() => vi.unstubAllGlobals());
  const answers = (answer: Response) => vi.stubGlobal("fetch", vi.fn().mockResolvedValue(answer));

  it("is asked for by the id in its old form or its new one", () => {
    const rest = "&attid=0&disp=comp&safe=1&zw";
    const at = "https://mail.google.com/mail/u/3/?view=att";
    expect(originalAddress("/mail/u/3/", "18c0ffee00000001")).toBe(`${at}&th=18c0ffee00000001${rest}`);
    expect(originalAddress("/mail/u/3/", "msg-a:r-1")).toBe(`${at}&permmsgid=msg-a%3Ar-1${rest}`);
  });

  it("is a mail, and no page that stands in for one", async () => {
    answers(new Response(MAIL));
    expect((await original("/mail/u/0/", "18c0ffee00000001"))?.byteLength).toBe(MAIL.length);
    for (const other of [
      new Response("<!doctype html><h1>Sign in</h1>"),
      new Response(MAIL, { status: 404 }),
    ]) {
      answers(other);
      expect(await original("/mail/u/0/", "18c0ffee00000001")).toBeNull();
    }
  });
});
