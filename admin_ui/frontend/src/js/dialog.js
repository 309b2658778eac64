// Native dialogs: [data-open="#id"] opens, [data-close] closes, a click beside it closes, focus returns by itself.
import { all, one } from "./dom.js";

export function show(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    event.preventDefault();
    opener.closest("[popover]")?.hidePopover?.();
    show(one(opener.dataset.open));
    return;
  }
  if (event.target.closest("[data-close]")) { event.preventDefault(); event.target.closest("dialog")?.close(); }
  else if (event.target.matches("dialog") && isOutside(event) && !event.target.querySelector("form[data-dirty]")) event.target.close();
});

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

document.addEventListener("htmx:after:swap", () => all("dialog[data-auto]:not([open])").forEach(show));
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target;
  if (target?.id === "drawer-body" && target.childElementCount) show(one("#drawer"));
});
document.addEventListener("closeDrawer", () => one("#drawer")?.close());
all("dialog[data-auto]").forEach(show);
