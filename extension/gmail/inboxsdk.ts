/** Gmail's page through InboxSDK's API. Selectors of our own stand only where its API has nothing. */
import { type ComposeView, type InboxSDK, load, type MessageView } from "@inboxsdk/core";
import { watchImages } from "./images";
import { ownText } from "./own-text";
import type { Compose, ComposeEvent, Gmail, ScheduledSend, SentIds, ShownMessage, Written } from "./page";
import { onScheduled } from "./scheduled";

/** Checked by the library itself, offline: a name and the beginning of the name's SHA-1. */
const APP_ID = "sdk_kaifu_f8df9d8d08";
const IDS_WITHIN_MS = 5000;
const BAR_HEIGHT = 40;
const ID_WITHIN_MS = 3000;
const ID_LOOK_EVERY_MS = 50;

export async function openGmail(): Promise<Gmail> {
  // The first to set it posts usage events of all to InboxSDK's makers. Nothing of Kaifu phones home.
  document.documentElement.setAttribute("data-inboxsdk-master-claimed", "true");
  const sdk = await load(2, APP_ID, {
    eventTracking: false,
    globalErrorLogging: false,
    suppressAddonTitle: "Kaifu",
  });
  return new SdkGmail(sdk);
}

class SdkGmail implements Gmail {
  readonly account: string;
  readonly #shown = new Set<MessageView>();
  readonly path = /^\/mail\/(u\/\d+\/)?/.exec(location.pathname)?.[0] ?? "/mail/";

  constructor(private readonly sdk: InboxSDK) {
    this.account = sdk.User.getEmailAddress().toLowerCase();
  }

  composes(listener: (compose: Compose) => void): void {
    this.sdk.Compose.registerComposeViewHandler((view) => listener(new SdkCompose(view)));
  }

  messages(listener: (message: ShownMessage) => void): void {
    this.sdk.Conversations.registerMessageViewHandler((view) => {
      if (isImitation(view.getElement())) return;
      this.#shown.add(view);
      view.on("destroy", () => this.#shown.delete(view));
      listener(new SdkMessage(view));
    });
  }

  images(listener: (image: HTMLImageElement) => void): () => void {
    return watchImages(document, listener);
  }

  inMail(element: Element): boolean {
    return [...this.#shown].some((view) => bodyOf(view)?.contains(element));
  }

  scheduled(takes: (send: ScheduledSend) => Promise<string> | null): void {
    if (globalThis.kaifuChannel) onScheduled(globalThis.kaifuChannel, takes);
  }
}

class SdkCompose implements Compose {
  readonly element: HTMLElement;
  #savedId = "";

  constructor(private readonly view: ComposeView) {
    this.element = view.getElement();
  }

  /** Gmail gives a new draft its id a moment after the window is there. */
  async ready(): Promise<void> {
    this.view.getDraftID().then(
      (id) => {
        this.#savedId = id ?? "";
      },
      () => undefined,
    );
    const end = performance.now() + ID_WITHIN_MS;
    while (this.draftId() === "") {
      if (performance.now() > end) throw new Error("the draft has no id");
      await new Promise((resolve) => setTimeout(resolve, ID_LOOK_EVERY_MS));
    }
  }

  /** InboxSDK tells the id only once Gmail has saved the draft; until then it is read where InboxSDK reads it. */
  draftId(): string {
    return this.#savedId || this.#writtenId();
  }

  #writtenId(): string {
    const id = this.element.querySelector<HTMLInputElement>('input[name="draft"]')?.value ?? "";
    return id === "undefined" || id === "null" ? "" : id.replace("#", "").replace("msg-a:", "");
  }

  written(): Written {
    const boxes = (contacts: { emailAddress: string; name?: string | null }[]) =>
      contacts.map(({ emailAddress, name }) =>
        name && name !== emailAddress
          ? { address: emailAddress, name: name.slice(0, 256) }
          : { address: emailAddress },
      );
    const [from] = boxes([this.view.getFromContact()]);
    if (!from) throw new Error("no From address");
    return {
      from,
      to: boxes(this.view.getToRecipients()),
      cc: boxes(this.view.getCcRecipients()),
      bcc: boxes(this.view.getBccRecipients()),
      subject: this.view.getSubject(),
    };
  }

  html(): string {
    return this.view.getHTMLContent();
  }

  addBar(content: HTMLElement): void {
    const bar = this.view.addStatusBar({ height: BAR_HEIGHT, addAboveNativeStatusBar: true });
    // Where it finds no place, the library only writes to its log.
    if (!bar.el.isConnected) throw new Error("no place for a bar");
    bar.el.append(content);
  }

  onOutgoing(change: (html: string) => Promise<string>): void {
    this.view.registerRequestModifier(async ({ body, isPlainText }) => ({
      body: isPlainText ? body : await change(body),
    }));
  }

  changeLinks(to: (href: string) => string | null): void {
    for (const link of this.view.getBodyElement().querySelectorAll("a[href]")) {
      const href = to(link.getAttribute("href") ?? "");
      if (href !== null) link.setAttribute("href", href);
    }
  }

  /** InboxSDK's API has no chips. Gmail marks each with its address, for its own hover cards. */
  badge(addresses: ReadonlySet<string>, label: string): void {
    for (const chip of this.element.querySelectorAll<HTMLElement>("[role=option][data-hovercard-id]")) {
      const known = addresses.has((chip.getAttribute("data-hovercard-id") ?? "").toLowerCase());
      const present = chip.querySelector(".kaifu-badge");
      if (known && !present) chip.append(badge(label));
      if (!known) present?.remove();
    }
  }

  on(event: ComposeEvent, listener: () => void): void {
    switch (event) {
      case "scheduling":
        this.view.on("scheduleSendMenuOpening", listener);
        return;
      case "discarded":
        this.view.on("discard", listener);
        return;
      case "recipients":
        this.view.on("recipientsChanged", listener);
        return;
      case "destroyed":
        this.view.on("destroy", listener);
        return;
      default:
        this.view.on(event, listener);
    }
  }

  onSent(listener: (ids: Promise<SentIds>) => void): void {
    this.view.on("sent", (event) => {
      const ids = Promise.all([inTime(event.getMessageID()), inTime(event.getThreadID())]);
      listener(ids.then(([messageId, threadId]) => ({ messageId, threadId })));
    });
  }
}

class SdkMessage implements ShownMessage {
  #line: HTMLElement | null = null;

  constructor(private readonly view: MessageView) {
    view.on("destroy", () => this.#line?.remove());
  }

  id(): Promise<string> {
    return this.view.getMessageIDAsync();
  }

  threadId(): Promise<string> {
    return this.view.getThreadView().getThreadIDAsync();
  }

  sender(): string | null {
    try {
      return this.view.getSender().emailAddress;
    } catch {
      return null;
    }
  }

  ownText(): string {
    const body = bodyOf(this.view);
    return body === null ? "" : ownText(body);
  }

  addLine(line: HTMLElement): void {
    const body = bodyOf(this.view);
    if (body === null || body.previousElementSibling === line) return;
    if (this.#line !== line) this.#line?.remove();
    this.#line = line;
    body.before(line);
  }

  onExpanded(listener: () => void): void {
    this.view.on("viewStateChange", ({ newViewState }) => {
      if (newViewState === "EXPANDED") listener();
    });
  }

  onGone(listener: () => void): void {
    this.view.on("destroy", listener);
  }
}

/** A message that stands within a message is part of a mail that was made to look like one. */
function isImitation(message: HTMLElement): boolean {
  return message.parentElement?.closest("[data-message-id], [data-legacy-message-id]") != null;
}

/** Null while Gmail makes it anew. */
function bodyOf(view: MessageView): HTMLElement | null {
  try {
    return view.getBodyElement();
  } catch {
    return null;
  }
}

function badge(label: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "kaifu-badge";
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  element.title = label;
  return element;
}

/** Some ids are looked up over the network by the library; the report does not wait for them for ever. */
function inTime(id: Promise<string>): Promise<string | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, IDS_WITHIN_MS, null));
  return Promise.race([id.catch(() => null), late]);
}
