import { describe, expect, it } from "vitest";
import { badgeText, NOTHING_UNREAD, type Unread, withMore, withOne, withoutOne } from "../../core/unread";

const many = (count: number): Unread =>
  Array.from({ length: count }, (_, n) => String(n)).reduce(withOne, NOTHING_UNREAD);

describe("unread (T6)", () => {
  it("counts each once, and no more what was withdrawn", () => {
    const two = withOne(withOne(withOne(NOTHING_UNREAD, "1"), "2"), "1");
    expect(badgeText(two)).toBe("2");
    expect(badgeText(withoutOne(two, "1"))).toBe("1");
    expect(badgeText(withoutOne(withoutOne(two, "1"), "1"))).toBe("1");
    expect(badgeText(withMore(two, 3))).toBe("5");
    expect(badgeText(NOTHING_UNREAD)).toBe("");
  });

  it("has room for two digits, and forgets the oldest of very many", () => {
    expect(badgeText(many(99))).toBe("99");
    expect(badgeText(many(100))).toBe("99+");
    expect(many(501).ids).toHaveLength(500);
    expect(many(501).ids).not.toContain("0");
  });
});
