// The ticks of a list: how many there are, all that are shown, none.
"use strict";

(() => {
  const ticks = () => [...document.querySelectorAll("#records input[name=ids]")];
  const count = document.getElementById("ticked");

  const recount = () => {
    const ticked = ticks().filter((tick) => tick.checked).length;
    count.textContent = `(${ticked})`;
    count.hidden = !ticked;
  };
  const set = (checked) => {
    for (const tick of ticks()) tick.checked = checked;
    recount();
  };

  for (const [id, checked] of [["tick-all", true], ["untick-all", false]]) {
    const button = document.getElementById(id);
    button.hidden = false;
    button.addEventListener("click", () => set(checked));
  }
  // "All that match" means the search whose answer is shown, not what is being typed.
  const listed = document.querySelector("#bulk input[name=listed]");
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt.id === "q" && detail.successful) listed.value = detail.requestConfig.parameters.q ?? "";
  });
  document.getElementById("records").addEventListener("change", recount);
  document.addEventListener("htmx:afterSettle", recount);
  recount();
})();
