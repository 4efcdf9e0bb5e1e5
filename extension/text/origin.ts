/** Where an open came from, in words: place, or why it is unknown, and device. */
import type { Place, RowDetail } from "../server/shapes";
import { inLanguage } from "./say";
import { type Language, TEXT, type TextKey } from "./table";

type Origin = Pick<RowDetail["engagements"][number], "place" | "place_unknown" | "device">;

/** Place and device as far as they are known; nothing for a reason that needs no words. */
export function originTexts({ place, place_unknown, device }: Origin, language: Language): string[] {
  const say = inLanguage(language);
  const key = `place_${place_unknown}`;
  const where = place ? placeText(place, language) : key in TEXT ? say(key as TextKey) : "";
  const { program, system } = device ?? { program: "", system: "" };
  const what = program && system ? say("deviceOn", { program, system }) : program || system;
  return [where, what].filter((text) => text !== "");
}

/** City, region and country; the widest first in Japanese. */
function placeText({ city, region, country }: Place, language: Language): string {
  const names = [city, region, countryName(country, language)].filter((name) => name !== "");
  const once = [...new Set(names)];
  return language === "ja" ? once.reverse().join("、") : once.join(", ");
}

function countryName(code: string, language: Language): string {
  try {
    return new Intl.DisplayNames(language, { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}
