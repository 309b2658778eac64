// Menus are native popovers; this places them at their button and gives arrow keys. (Anchor positioning is too new.)
import { all, one } from "./dom.js";

const MARGIN = 8, GAP = 4;

export function place(box, anchor) {
  const at = anchor.getBoundingClientRect(), width = box.offsetWidth, height = box.offsetHeight;
  const above = at.bottom + height + MARGIN > innerHeight && at.top > height + MARGIN;
  box.style.left = `${Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))}px`;
  box.style.top = `${above ? at.top - height - GAP : Math.min(at.bottom + GAP, Math.max(MARGIN, innerHeight - height - MARGIN))}px`;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".t-menu[popover]")) return;
  const button = one(`[popovertarget="${menu.id}"]`);
  button?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState !== "open" || !button) return;
  place(menu, button);
  one("[autofocus],input:not([type=hidden]),button,a,select", menu)?.focus({ preventScroll: true });
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".t-menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input,select,textarea")) return;
  const items = all("a,button", menu).filter((item) => item.offsetParent), step = event.key === "ArrowDown" ? 1 : -1;
  event.preventDefault();
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
});

document.addEventListener("click", (event) => {
  const item = event.target.closest(".t-menu [data-closes], .t-menu a");
  item?.closest("[popover]")?.hidePopover?.();
});
