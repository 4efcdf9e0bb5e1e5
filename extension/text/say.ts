/** Texts in the reader's language. */
import { type Language, TEXT, type TextKey } from "./table";

export type Say = (key: TextKey, values?: Record<string, string | number>) => string;

export function inLanguage(language: Language): Say {
  return (key, values = {}) =>
    TEXT[key][language].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The language that a setting or browser tag asks for; English for all that is not Japanese. */
export function languageOf(setting: string, browser: string): Language {
  const tag = setting === "auto" ? browser : setting;
  return tag.toLowerCase().startsWith("ja") ? "ja" : "en";
}

/** The key for a reason given by the server, or the general one. */
export function reasonKey(reason: string): TextKey {
  const key = `reason_${reason}`;
  return key in TEXT ? (key as TextKey) : "reasonRefused";
}

export function dateTime(iso: string, language: Language): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(date);
}
