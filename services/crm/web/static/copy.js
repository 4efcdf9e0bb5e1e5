// Buttons that copy the address in their data-copy; the page's #copied says that it was done.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const address = new URL(button.dataset.copy, location.href).href;
  const done = (await copied(address)) ? button.dataset.done : address;
  document.getElementById("copied").textContent = done;
  button.textContent = done;
});

// Without https there is no clipboard: then the address itself is shown, to be copied by hand.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
