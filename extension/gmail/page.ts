/** What the features need of Gmail's page. Everything that knows how the page is made stands in this folder. */

export interface Mailbox {
  address: string;
  name?: string;
}

export interface Written {
  from: Mailbox;
  to: Mailbox[];
  cc: Mailbox[];
  bcc: Mailbox[];
  subject: string;
}

export interface SentIds {
  messageId: string | null;
  threadId: string | null;
}

export interface Compose {
  readonly element: HTMLElement;
  /** Resolves when the window can be worked with. Throws when it can't. */
  ready(): Promise<void>;
  /** Names this draft also when it is closed and opened again. */
  draftId(): string;
  written(): Written;
  html(): string;
  /** A bar of our own at the foot of the window. Throws where there is no place for it. */
  addBar(content: HTMLElement): void;
  /** Change the body as it goes out. Throws where that can't be done. */
  onOutgoing(change: (html: string) => Promise<string>): void;
  /** Replaces addresses of links in the body under the rep's eyes: null leaves one alone. */
  changeLinks(to: (href: string) => string | null): void;
  /** Mark the chips of these addresses (lower case) in To, Cc and Bcc, and no others. */
  badge(addresses: ReadonlySet<string>, label: string): void;
  on(event: ComposeEvent, listener: () => void): void;
  onSent(listener: (ids: Promise<SentIds>) => void): void;
}

export type ComposeEvent =
  | "presending" // Send was pressed; may come more than once
  | "sendCanceled"
  | "sending" // the request is on its way
  | "scheduling" // the rep is about to choose a time
  | "discarded"
  | "recipients"
  | "destroyed";

/** A mail on screen whose body was loaded. */
export interface ShownMessage {
  /** Gmail's own id of the message. */
  id(): Promise<string>;
  /** Gmail's own id of its thread. */
  threadId(): Promise<string>;
  /** The address in From; null while Gmail makes it anew. */
  sender(): string | null;
  /** What its sender wrote, without what is quoted of others. */
  ownText(): string;
  /** Have a line of ours below the header; once, however often it is asked for. */
  addLine(line: HTMLElement): void;
  /** The rep opened it again after closing it: Gmail may have made its body anew. */
  onExpanded(listener: () => void): void;
  onGone(listener: () => void): void;
}

/** A mail that Gmail is to send later. */
export interface ScheduledSend {
  draft: string;
  written: Written;
  html: string;
  /** RFC 3339, or null where it can't be told. */
  sendAt: string | null;
  /** Whether Gmail has taken it. */
  accepted: Promise<boolean>;
}

export interface Gmail {
  /** The address of the signed-in Gmail account, in lower case. */
  readonly account: string;
  /** Where this account's page is: `/mail/u/0/`. */
  readonly path: string;
  composes(listener: (compose: Compose) => void): void;
  messages(listener: (message: ShownMessage) => void): void;
  /** Each image as it comes into the page, wherever. Returns how to go through all of them once more. */
  images(listener: (image: HTMLImageElement) => void): () => void;
  /** Whether it stands in the body of a mail on screen: what is there is its sender's, not Gmail's. */
  inMail(element: Element): boolean;
  /** `takes` returns the body that is to go out, or null at once for a mail that it leaves alone. */
  scheduled(takes: (send: ScheduledSend) => Promise<string> | null): void;
}
