// Forms whose fields follow what is typed: tells the server a moment after the last change, which answers with what changed.
import { one } from "./dom.js";

const PAUSE_MS = 250;
let timer;

const tell = (event) => {
  const follower = one("[data-follow]", event.target.closest?.("form[data-form]") || document.createElement("i"));
  if (!follower) return;
  clearTimeout(timer);
  timer = setTimeout(() => document.getElementById("form-state")?.dispatchEvent(new Event("typed")), event.type === "change" ? 0 : PAUSE_MS);
};

document.addEventListener("input", tell);
document.addEventListener("change", tell);
