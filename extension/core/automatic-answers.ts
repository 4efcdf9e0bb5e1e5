/**
 * Answers that a program writes. Gmail puts a responder's answer into the thread without its subject, and its
 * page shows no headers, so only the wording is left. Whoever writes of an absence in person is taken for a
 * program: then nothing is told, and nothing wrong.
 */

const BEGINNING = 500;
/** HTML is indented: so much is looked through for the beginning's words. */
const WITH_SPACE = 20_000;
/** `\b` knows ASCII's letters alone: beside any other letter it says the opposite. */
const PHRASES = [
  /\bout of (the )?office\b/,
  /\bauto(matic|mated|matically generated)?[- ]?(reply|response|message|answer)\b/,
  /\bon ((annual|parental|maternity|paternity|sick) )?(leave|vacation|holiday)\b/,
  /自動(応答|返信|送信|回覆)|不在(です|にして|のため|とな)|休暇(中|を|のため)/,
  /自动(回复|答复)|不在办公室|자동 ?(회신|응답|답장)|부재 ?중/,
  /abwesenheit|automatische (antwort|nachricht)|nicht im büro|außer haus/,
  /réponse automatique|absente? du bureau|(?<!\p{L})en congés?(?!\p{L})|message automatique/u,
  /respuesta automática|fuera de la oficina|resposta automática|fora do escritório/,
  /risposta automatica|fuori (ufficio|sede)|automatisch (antwoord|bericht)|niet op kantoor/,
];

/** `text`: what the sender wrote, without what is quoted. */
export function looksAutomatic(text: string): boolean {
  const words = text.slice(0, WITH_SPACE).normalize("NFC").toLowerCase().replace(/\s+/g, " ").trim();
  const beginning = words.slice(0, BEGINNING);
  return PHRASES.some((phrase) => phrase.test(beginning));
}
