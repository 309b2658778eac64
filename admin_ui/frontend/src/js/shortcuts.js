// Keyboard: one letter acts, "g" then a letter goes. Elements name their key: data-key="c", links data-go="d".
import { all, isTyping, one } from "./dom.js";
import { show } from "./dialog.js";

const GO_WINDOW_MS = 900;
let wentAt = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); show(one("#palette")); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || one("dialog[open]")) return;
  if (Date.now() - wentAt < GO_WINDOW_MS) {
    const link = all("a[data-go]").find((item) => item.dataset.go === event.key);
    wentAt = 0;
    if (link) { event.preventDefault(); link.click(); return; }
  }
  if (event.key === "g") { wentAt = Date.now(); return; }
  if (event.key === "?") { event.preventDefault(); show(one("#keys")); return; }
  const target = all("[data-key]").find((item) => item.dataset.key === event.key && item.checkVisibility?.() !== false);
  if (target) { event.preventDefault(); if (target.matches("input,textarea")) { target.focus(); target.select(); } else target.click(); }
});
