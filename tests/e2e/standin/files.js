/** Files are uploaded as soon as they are chosen, and named in what is sent. */
import { room } from "./account.js";
import { element } from "./dom.js";

export function acceptFiles(compose) {
  const input = compose.root.querySelector("input[name=Filedata]");
  compose.root.querySelector("[command=Files]").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    for (const file of input.files) void upload(compose, file);
    input.value = "";
  });
  for (const file of compose.files) compose.root.querySelector(".files").append(card(compose, file));
}

async function upload(compose, file) {
  const query = new URLSearchParams({ name: file.name, type: file.type });
  const answer = await fetch(`${room("upload")}?${query}`, { method: "POST", body: file });
  const { id, url } = await answer.json();
  const uploaded = { id, url, name: file.name, type: file.type, size: file.size };
  compose.files.push(uploaded);
  compose.root.querySelector(".files").append(card(compose, uploaded));
  compose.changed();
}

function card(compose, file) {
  const shown = element(`<div class="dL" tabindex="0"><div class="vI"></div><div class="vJ"></div>
    <input type="hidden" name="attach"><div class="vq" role="button" aria-label="Remove attachment">×</div></div>`);
  shown.setAttribute("aria-label", `Attachment: ${file.name}`);
  shown.querySelector(".vI").textContent = file.name;
  shown.querySelector(".vJ").textContent = `(${Math.ceil(file.size / 1024)}K)`;
  shown.querySelector("input").value = file.id;
  shown.querySelector(".vq").addEventListener("click", () => {
    compose.files.splice(compose.files.indexOf(file), 1);
    shown.remove();
    compose.changed();
  });
  return shown;
}

/** As they stand in a message that is sent. */
export function namedFiles(files) {
  return files.map(({ type, name, size, id, url }) => [type, name, size, null, id, url]);
}
