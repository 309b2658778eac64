// Lists: arrows move by cell, j/k by row, x selects, F2/Enter/double-click/pencil edits in place, Esc leaves.
import htmx from "htmx.org/dist/htmx.esm.js";
import { all, el, icon, isTyping, one, onElements, text } from "./dom.js";

const pencil = el("button", { type: "button", class: "t-pencil", tabindex: "-1", "aria-hidden": "true", title: text("edit") }, icon("pencil", "t-icon--s"));
const EDITABLE = "[data-grid] td[data-f]";

function edit(cell) {
  if (!cell?.dataset.f || cell.matches(".t-editing")) return;
  pencil.remove();
  const url = `${cell.closest("[data-grid]").dataset.grid}/${cell.closest("tr").dataset.id}/cell/${cell.dataset.f}`;
  htmx.ajax("GET", url, { target: cell, swap: "outerHTML" });
}

onElements("[data-grid]", (grid) => { const first = one("tbody td:nth-child(2)", grid); if (first) first.tabIndex = 0; });

document.addEventListener("mouseover", (event) => {
  const cell = event.target.closest?.(EDITABLE);
  if (cell && !cell.matches(".t-editing") && pencil.parentElement !== cell) cell.append(pencil);
});
document.addEventListener("click", (event) => { if (pencil.contains(event.target)) edit(pencil.parentElement); });
document.addEventListener("dblclick", (event) => edit(event.target.closest(EDITABLE)));

const STEPS = {
  ArrowRight: (cell) => cell.nextElementSibling, ArrowLeft: (cell) => cell.previousElementSibling,
  ArrowDown: (cell, row, at) => row.nextElementSibling?.children[at], ArrowUp: (cell, row, at) => row.previousElementSibling?.children[at],
  Home: (cell, row) => row.children[1], End: (cell, row) => row.lastElementChild,
};

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-grid] td");
  if (!cell || cell.matches(".t-editing") || isTyping(event.target)) return;
  const row = cell.parentElement;
  if (event.key === "F2" || (event.key === "Enter" && event.target === cell)) {
    event.preventDefault();
    if (cell.dataset.f) edit(cell); else one("a", cell)?.click();
    return;
  }
  const next = STEPS[event.key]?.(cell, row, [...row.children].indexOf(cell));
  if (!next) return;
  event.preventDefault();
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

document.addEventListener("keydown", (event) => {
  const editing = event.target.closest?.(".t-editing");
  if (!editing || event.key !== "Escape" || event.target.getAttribute("aria-expanded") === "true") return;
  event.preventDefault();
  event.stopPropagation();
  htmx.ajax("GET", editing.dataset.cancel, { target: editing, swap: "outerHTML" });
}, true);

document.addEventListener("htmx:after:swap", () => {
  const saved = one("[data-refocus]");
  if (saved) { saved.removeAttribute("data-refocus"); saved.tabIndex = 0; saved.focus({ preventScroll: true }); }
});

function moveRow(step) {
  const rows = all("[data-grid] tbody tr"), at = rows.findIndex((row) => "cursor" in row.dataset);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!next) return;
  if (rows[at]) delete rows[at].dataset.cursor;
  next.dataset.cursor = "";
  next.scrollIntoView({ block: "nearest" });
  one("a", next)?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (event.key === "j") moveRow(1);
  else if (event.key === "k") moveRow(-1);
  else if (event.key === "x") one("[data-grid] tr[data-cursor] input[type=checkbox]")?.click();
});
