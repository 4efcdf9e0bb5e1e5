/** Signing one Gmail account in to a server of the rep's choice; its address is asked for as a permission. */
import { button, make } from "../content/elements";
import type { AccountOverview } from "../messages/answers";
import { askFromPage } from "../messages/ask";
import { serverOrigin } from "../server/oauth";
import type { Say } from "../text/say";

const AWAY = new Set(["timeout", "unreachable"]);

export function signInForm(account: AccountOverview, say: Say, done: () => Promise<void>): HTMLElement {
  const server = make("input", "");
  server.type = "url";
  server.placeholder = "https://kaifu.example.com";
  const status = make("p", "soft");
  status.setAttribute("role", "status");
  const fail = (text: string) => {
    status.className = "fault";
    status.textContent = text;
  };
  const go = button("primary", say("signIn"), () => void start());
  server.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void start();
  });

  /** Chrome lets a permission be asked for only right after a click. */
  const start = async () => {
    const origin = serverOrigin(server.value);
    if (origin === null) fail(say("badServer"));
    else if (await allowed([origin])) await find(origin);
    else fail(say("notAllowed", { origin }));
  };
  const find = async (origin: string) => {
    const found = await askFromPage({ type: "discover", server: origin });
    if (!found.ok) return fail(say(AWAY.has(found.trouble) ? "unreachable" : "badServer"));
    const missing = await notYetAllowed(found.value.origins);
    if (missing.length > 0 && !(await allowed(missing))) return askAgain(missing, origin);
    return signIn(origin);
  };
  const askAgain = (missing: string[], origin: string) => {
    status.replaceChildren(
      button("", say("allowOrigin", { origin: missing.join(", ") }), async () => {
        if (await allowed(missing)) await signIn(origin);
      }),
    );
  };
  const signIn = async (origin: string) => {
    status.className = "soft";
    status.textContent = say("signingIn");
    const answer = await askFromPage({ type: "sign-in", account: account.account, server: origin });
    if (answer.ok) await done();
    else fail(say(answer.trouble === "unreachable" ? "unreachable" : "signInFailed"));
  };
  const field = make("label", "field", make("span", "", say("server")), server);
  const hint = make("p", "soft", say("serverHint"));
  return make(
    "div",
    "account",
    make("strong", "", account.account),
    make("div", "row", field, go),
    hint,
    status,
  );
}

function patterns(origins: string[]): { origins: string[] } {
  return { origins: origins.map((origin) => `${new URL(origin).protocol}//${new URL(origin).hostname}/*`) };
}

async function allowed(origins: string[]): Promise<boolean> {
  try {
    return await chrome.permissions.request(patterns(origins));
  } catch {
    return false;
  }
}

async function notYetAllowed(origins: string[]): Promise<string[]> {
  const granted = await Promise.all(origins.map((one) => chrome.permissions.contains(patterns([one]))));
  return origins.filter((_, at) => !granted[at]);
}
