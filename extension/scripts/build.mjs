// Builds dist/unpacked (load it in chrome://extensions) and dist/kaifu-<version>.zip.
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "dist", "unpacked");
const inboxsdk = dirname(createRequire(import.meta.url).resolve("@inboxsdk/core/package.json"));

await rm(join(root, "dist"), { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = {
  absWorkingDir: root,
  bundle: true,
  target: "chrome120",
  charset: "utf8",
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: {
    content: "content/main.ts",
    page: "gmail/page-script.ts",
    channel: "gmail/channel-script.ts",
    worker: "worker/main.ts",
    popup: "popup/main.ts",
    options: "options/main.ts",
  },
  outdir: out,
  format: "iife",
  minify: true,
  legalComments: "eof",
});

const copies = ["manifest.json", "rules", "icons", "content/content.css", "pages/pages.css"];
for (const path of copies) await cp(join(root, path), join(out, path.split("/").at(-1)), { recursive: true });
for (const page of ["popup", "options"])
  await cp(join(root, page, `${page}.html`), join(out, `${page}.html`));
await cp(join(inboxsdk, "pageWorld.js"), join(out, "pageWorld.js"));
await minifyInPlace("pageWorld.js");
await writeLocales();
await zip();

async function minifyInPlace(name) {
  const path = join(out, name);
  await build({
    absWorkingDir: root,
    entryPoints: [path],
    outfile: path,
    allowOverwrite: true,
    minify: true,
    charset: "utf8",
  });
}

/** `_locales` for what Chrome itself shows; made from the one table that everything else reads. */
async function writeLocales() {
  const compiled = join(root, "dist", "table.mjs");
  await build({ ...common, entryPoints: ["text/table.ts"], outfile: compiled, format: "esm" });
  const { TEXT } = await import(pathToFileURL(compiled).href);
  await rm(compiled);
  for (const language of ["en", "ja"]) {
    const folder = join(out, "_locales", language);
    await mkdir(folder, { recursive: true });
    const entries = ["name", "description"].map((key) => [key, { message: TEXT[key][language] }]);
    await writeFile(
      join(folder, "messages.json"),
      `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`,
    );
  }
}

async function zip() {
  const { version } = JSON.parse(await readFile(join(root, "manifest.json"), "utf8"));
  const target = join(root, "dist", `kaifu-${version}.zip`);
  execFileSync("python3", ["-m", "zipfile", "-c", target, "."], { cwd: out });
}
