import { describe, expect, it } from "vitest";
import { type Book, EMPTY_BOOK, type Raised, receive, summarised } from "../../core/pushes";

const NOW = Date.parse("2026-11-24T09:00:00Z");
const ago = (ms: number) => new Date(NOW - ms).toISOString();

function raised(id: string, age = 0): Raised {
  return {
    type: "notification_raised",
    notification_id: id,
    occurred_at: ago(age),
    kind: "opened",
    message_id: "m",
    candidates: [0],
    reason: null,
  };
}

const restarted = (book: Book): Book => JSON.parse(JSON.stringify(book));

describe("pushes (T4, B3)", () => {
  it("shows each once, also across restarts", () => {
    const first = receive(EMPTY_BOOK, raised("1"), NOW);
    expect(first.action.do).toBe("show");
    expect(receive(restarted(first.book), raised("1"), NOW).action.do).toBe("nothing");
  });

  it("counts what is older than five minutes, and never shows it afterwards", () => {
    expect(receive(EMPTY_BOOK, raised("1", 300_000), NOW).action.do).toBe("show");
    const old = receive(EMPTY_BOOK, raised("1", 300_001), NOW);
    expect(old.action.do).toBe("count");
    expect(receive(restarted(old.book), raised("1", 300_001), NOW).action.do).toBe("nothing");
  });

  it("counts a silent one on the badge alone, whatever its age, and never shows it afterwards (B8)", () => {
    for (const age of [0, 600_000]) {
      const silent = receive(EMPTY_BOOK, raised("1", age), NOW, true);
      expect(silent.action.do).toBe("badge");
      expect(receive(restarted(silent.book), raised("1", age), NOW).action.do).toBe("nothing");
    }
    const shown = receive(EMPTY_BOOK, raised("1"), NOW).book;
    expect(receive(shown, raised("1"), NOW, true).action.do).toBe("nothing");
  });

  it("clears a silent one that is withdrawn", () => {
    const retracted = { type: "notification_retracted", notification_id: "1" } as const;
    const silent = receive(EMPTY_BOOK, raised("1"), NOW, true).book;
    expect(receive(silent, retracted, NOW).action).toEqual({ do: "clear", id: "1" });
  });

  it("clears a retracted one, and never raises one whose retraction came first", () => {
    const retracted = { type: "notification_retracted", notification_id: "1" } as const;
    const shown = receive(EMPTY_BOOK, raised("1"), NOW);
    expect(receive(shown.book, retracted, NOW).action).toEqual({ do: "clear", id: "1" });
    const early = receive(EMPTY_BOOK, retracted, NOW);
    expect(receive(restarted(early.book), raised("1"), NOW).action.do).toBe("nothing");
  });

  it("counts in a summary what was not told of before, and tells of none of it afterwards", () => {
    const shown = receive(EMPTY_BOOK, raised("1"), NOW).book;
    const { book, fresh } = summarised(shown, ["1", "2", "3"]);
    expect(fresh).toEqual(["2", "3"]);
    expect(summarised(restarted(book), ["1", "2", "3"]).fresh).toEqual([]);
    expect(receive(book, raised("3"), NOW).action.do).toBe("nothing");
  });

  it("forgets only the oldest", () => {
    let book = EMPTY_BOOK;
    for (let n = 0; n < 2001; n++) book = receive(book, raised(String(n)), NOW).book;
    expect(book.settled).toHaveLength(2000);
    expect(receive(book, raised("2000"), NOW).action.do).toBe("nothing");
  });
});
