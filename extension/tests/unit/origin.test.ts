import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { RowDetail } from "../../server/shapes";
import { originTexts } from "../../text/origin";

const TOKYO = { city: "Minato", region: "Tokyo", country: "JP" };
const CHROME = { program: "Chrome", system: "Windows" };

describe("where an open came from", () => {
  it("is place and device", () => {
    const origin = { place: TOKYO, place_unknown: null, device: CHROME };
    expect(originTexts(origin, "en")).toEqual(["Minato, Tokyo, Japan", "Chrome on Windows"]);
    expect(originTexts(origin, "ja")).toEqual(["日本、Tokyo、Minato", "Chrome（Windows）"]);
  });

  it("says only what is known, and nothing twice", () => {
    const place = { city: "Osaka", region: "Osaka", country: "JP" };
    const device = { program: "", system: "iPhone" };
    expect(originTexts({ place, place_unknown: null, device }, "en")).toEqual(["Osaka, Japan", "iPhone"]);
    const country = { city: "", region: "", country: "QQ!" };
    expect(originTexts({ place: country, place_unknown: null, device: null }, "en")).toEqual(["QQ!"]);
  });

  it("says why there is no place", () => {
    const origin = { place: null, place_unknown: "proxy", device: null };
    expect(originTexts(origin, "en")[0]).toContain("proxy");
    expect(originTexts(origin, "ja")[0]).toContain("プロキシ");
    expect(originTexts({ ...origin, place_unknown: "not_a_person" }, "en")).toEqual([]);
    expect(originTexts({ ...origin, place_unknown: "of_a_later_release" }, "en")).toEqual([]);
  });

  it("is nothing from a server that tells none", () => {
    const one = {
      id: "01890a5d-ac96-774b-bcce-b302099a8057",
      kind: "open",
      verdict: "human",
      occurred_at: "2026-11-26T00:00:00Z",
      inferred: false,
      folded_into: null,
      candidates: [],
      link_index: null,
    };
    const read = v.parse(RowDetail.entries.engagements, [one]);
    expect(read.map((found) => originTexts(found, "en"))).toEqual([[]]);
  });
});
