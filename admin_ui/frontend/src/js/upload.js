// File fields: drop anywhere on the box, show the chosen name.
import { one, onElements } from "./dom.js";

onElements("[data-upload]", (box) => {
  const input = one("input[type=file]", box), name = one("[data-name]", box);
  const over = (on) => box.toggleAttribute("data-over", on);
  box.addEventListener("dragenter", () => over(true));
  box.addEventListener("dragleave", () => over(false));
  box.addEventListener("drop", () => over(false));
  input.addEventListener("change", () => { if (name && input.files.length) name.textContent = [...input.files].map((file) => file.name).join(", "); });
});
