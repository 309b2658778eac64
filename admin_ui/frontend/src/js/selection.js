// Selecting rows shows the bar of actions for them. Shift-click takes a range.
import { all, one } from "./dom.js";

let last = null;

function sync() {
  const boxes = all("[data-pick]"), chosen = boxes.filter((box) => box.checked), head = one("[data-pick-all]"), bar = one("[data-bulk]");
  boxes.forEach((box) => box.closest("tr").toggleAttribute("data-selected", box.checked));
  if (head) { head.checked = chosen.length > 0 && chosen.length === boxes.length; head.indeterminate = chosen.length > 0 && !head.checked; }
  if (bar) { bar.hidden = chosen.length === 0; const count = one("[data-count]", bar); if (count) count.textContent = String(chosen.length); }
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (box.matches?.("[data-pick-all]")) all("[data-pick]").forEach((other) => (other.checked = box.checked));
  else if (box.matches?.("[data-pick]")) {
    const boxes = all("[data-pick]"), [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) boxes.slice(from, to + 1).forEach((other) => (other.checked = box.checked));
    last = box;
  } else if (event.target.closest?.("[data-pick-none]")) all("[data-pick]").forEach((other) => (other.checked = false));
  else return;
  sync();
});
document.addEventListener("htmx:after:swap", sync);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && one("[data-bulk]:not([hidden])") && !one("dialog[open],.t-editing")) { all("[data-pick]").forEach((box) => (box.checked = false)); sync(); } });
