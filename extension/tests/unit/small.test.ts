import { describe, expect, it } from "vitest";
import { matches, normalEntry } from "../../core/address-list";
import { candidateNames, type FeedRow, passes, shownState, withPage } from "../../core/feed-state";
import { ownPixel } from "../../core/own-pixels";
import { boxes, type Defaults, UNTOUCHED } from "../../core/start-values";
import { inLanguage, languageOf } from "../../text/say";
import { TEXT } from "../../text/table";

describe("never lists (L8, L9)", () => {
  it.each([
    ["example.com", "a@example.com", true],
    ["@example.com", "a@EXAMPLE.com", true],
    ["example.com", "a@sub.example.com", false],
    ["*.example.com", "a@sub.example.com", true],
    ["*.example.com", "a@example.com", false],
    ["*.example.com", "a@badexample.com", false],
    ["a@example.com", "A+tag@example.com", true],
    ["a+tag@example.com", "a@example.com", false],
    ["a.b@example.com", "ab@example.com", false],
    ["例え.jp", "a@xn--r8jz45g.jp", true],
    ["", "a@example.com", false],
    ["no domain", "a@example.com", false],
  ])("%s against %s: %s", (entry, address, expected) => {
    expect(matches([entry], address)).toBe(expected);
  });

  it("tells entries from what is none", () => {
    expect(normalEntry("*.Example.COM")).toBe("*.example.com");
    for (const none of ["", "x", "a b.com", "http://x.com", "*.com.*", "a@", "@"])
      expect(normalEntry(none)).toBeNull();
  });
});

describe("start values (T1, L1, E1, L9)", () => {
  const defaults: Defaults = {
    track: true,
    log: false,
    neverTrack: ["secret.example"],
    neverLog: ["b@x.example"],
  };

  it("are the rep's defaults until the rep chooses", () => {
    expect(boxes(true, UNTOUCHED, defaults, [], null).track.checked).toBe(true);
    expect(boxes(true, UNTOUCHED, defaults, [], null).log.checked).toBe(false);
    expect(boxes(true, { track: false, log: true }, defaults, [], null)).toMatchObject({
      track: { checked: false, enabled: true },
      log: { checked: true, enabled: true },
    });
  });

  it("grey a box with its reason", () => {
    expect(boxes(false, { track: true, log: true }, defaults, [], null).track).toEqual({
      checked: false,
      enabled: false,
      reason: "signed_out",
    });
    const both = boxes(
      true,
      { track: true, log: true },
      defaults,
      ["x@ok.example", "y@secret.example"],
      null,
    );
    expect(both.track).toEqual({ checked: false, enabled: false, reason: "never_track" });
    expect(both.log.checked).toBe(true);
    expect(boxes(true, UNTOUCHED, defaults, ["B+x@x.example"], null).log.reason).toBe("never_log");
  });

  it("grey what the account does not allow, whatever the rep chose and lists", () => {
    const free = { enabled: true, reason: null, start: null };
    const chosen = { track: true, log: true };
    const refused = (reason: string) =>
      boxes(true, chosen, defaults, ["y@secret.example"], {
        track: { enabled: false, reason, start: true },
        log: free,
      });
    expect(refused("no_legal_basis").track).toEqual({
      checked: false,
      enabled: false,
      reason: "no_legal_basis",
    });
    expect(refused("no_legal_basis").log).toEqual({ checked: true, enabled: true, reason: null });
    expect(refused("something_newer").track.reason).toBe("not_allowed");
    expect(boxes(true, UNTOUCHED, defaults, [], { track: free, log: free }).log.checked).toBe(false);
  });

  it("start as the account says, and as the rep likes where it says nothing (A3, A5)", () => {
    const starts = (track: boolean | null, log: boolean | null, choices = UNTOUCHED) => {
      const said = (start: boolean | null) => ({ enabled: true, reason: null, start });
      const found = boxes(true, choices, defaults, [], { track: said(track), log: said(log) });
      return [found.track.checked, found.log.checked];
    };
    expect(starts(null, null)).toEqual([defaults.track, defaults.log]);
    expect(starts(!defaults.track, !defaults.log)).toEqual([!defaults.track, !defaults.log]);
    expect(starts(true, true, { track: false, log: false })).toEqual([false, false]);
    expect(starts(false, false, { track: true, log: true })).toEqual([true, true]);
  });
});

describe("own pixels (B4)", () => {
  const origins = ["https://t.example.com", "http://127.0.0.1:8802"];

  it("are known directly and through Gmail's proxy", () => {
    const pixel = "http://127.0.0.1:8802/o/abc.gif";
    expect(ownPixel(pixel, origins)).toBe(pixel);
    expect(ownPixel(`https://ci6.googleusercontent.com/proxy/x=s0-d-e1-ft#${pixel}`, origins)).toBe(pixel);
    expect(ownPixel(`${pixel}?again#x`, origins)).toBe(pixel);
  });

  it("are not what only looks like one", () => {
    const no = [
      "https://t.example.com.evil.example/o/abc.gif",
      "https://evil.example/x#https://t.example.com/o/abc.gif",
      "https://t.example.com/c/abc",
      "https://xgoogleusercontent.com/#https://t.example.com/o/a.gif",
      "",
      "data:image/gif;base64,R0",
    ];
    for (const src of no) expect(ownPixel(src, origins)).toBeNull();
  });
});

describe("feed (T3, B6)", () => {
  const row: FeedRow = {
    message_id: "1",
    subject: "s",
    recipients: [
      { slot: 0, name: "Ann", address: "ann@x.example", contact_id: null },
      { slot: 1, name: "", address: "bob@x.example", contact_id: null },
    ],
    state: "sent",
    possible_open: false,
    anonymous: false,
    sent_at: "2026-11-24T09:00:00Z",
    first_open_at: null,
    last_open_at: null,
    opens: 0,
    clicks: 0,
  };

  it("shows Sent, possible open, Opened", () => {
    expect(shownState(row)).toBe("sent");
    expect(shownState({ ...row, possible_open: true })).toBe("possible_open");
    expect(shownState({ ...row, state: "opened", possible_open: true })).toBe("opened");
  });

  it("filters and joins pages without doubles", () => {
    expect(passes({ ...row, clicks: 1 }, "clicked")).toBe(true);
    expect(passes(row, "opened")).toBe(false);
    expect(passes(row, "unopened")).toBe(true);
    expect(withPage([row], [row, { ...row, message_id: "2" }]).map((one) => one.message_id)).toEqual([
      "1",
      "2",
    ]);
  });

  it("names candidates, nobody where it is anonymous", () => {
    expect(candidateNames(row, [0, 1])).toEqual(["Ann", "bob@x.example"]);
    expect(candidateNames({ ...row, anonymous: true }, [0, 1])).toEqual([]);
  });
});

describe("texts (B10)", () => {
  it("have the same places to fill in, in both languages", () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((one) => one[0]).sort();
    for (const [key, { en, ja }] of Object.entries(TEXT)) {
      expect(places(ja), key).toEqual(places(en));
      expect(ja.trim(), key).not.toBe("");
    }
  });

  it("use the labels that reps know", () => {
    const say = inLanguage("ja");
    expect([
      say("track"),
      say("log"),
      say("stateSent"),
      say("stateOpened"),
      say("feed"),
      say("createContact"),
    ]).toEqual([
      "トラック",
      "ログ",
      "送信済み",
      "開封",
      "アクティビティーフィード",
      "新規コンタクトとして作成",
    ]);
  });

  it("follow the setting, then the browser", () => {
    expect(languageOf("auto", "ja-JP")).toBe("ja");
    expect(languageOf("en", "ja")).toBe("en");
    expect(languageOf("auto", "de")).toBe("en");
  });
});
