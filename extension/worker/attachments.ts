/** Attachments of a logged mail: read from the mail as Gmail has it, uploaded by receipt (A2, L10). */
import PostalMime, { type Attachment } from "postal-mime";
import type { Job } from "../core/job";
import { original } from "../gmail/original";
import { Failed } from "../server/http";

export interface File {
  index: number;
  name: string;
  type: string;
  content: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the content, hexadecimal. */
  sha256: string;
}

const MOST = 200;
const LONGEST_NAME = 255;

/** Raises Failed: what Gmail does not give yet may come later. */
export async function filesOf(job: Job): Promise<File[]> {
  const where = job.attachments;
  const mail = where && (await original(String(where.page), where.provider_message_id));
  if (!mail) throw new Failed("unreachable", "not-in-gmail");
  return filesIn(mail);
}

/** The attached files of a mail (RFC 5322), in their order. Pictures within its text belong to the body. */
export async function filesIn(mail: ArrayBuffer): Promise<File[]> {
  const { attachments } = await PostalMime.parse(mail, { attachmentEncoding: "arraybuffer" });
  const files = attachments.filter((one) => !(one.related && one.contentId)).slice(0, MOST);
  return Promise.all(files.map(file));
}

async function file(attachment: Attachment, index: number): Promise<File> {
  const content = new Uint8Array(attachment.content as ArrayBuffer);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const name = (attachment.filename ?? "").slice(0, LONGEST_NAME) || `attachment-${index + 1}`;
  return { index, name, type: attachment.mimeType || "application/octet-stream", content, sha256 };
}
