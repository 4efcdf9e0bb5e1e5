// What was typed or opened before htmx listened, or was put back by the browser on the way back, is asked for now.
"use strict";

addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("input[type=search][hx-get]"))
    if (field.value !== field.defaultValue) htmx.trigger(field, "search");
  for (const details of document.querySelectorAll("details[open][hx-get]")) htmx.trigger(details, "toggle");
});
