// Previous and next: a list remembers in this tab which records it showed, its records lead from one to the other.
import { all, one } from "./dom.js";

const KEY = "trail:";

function remember() {
  const grid = one("[data-grid]"), board = one("[data-board],.t-board");
  const ids = all("[data-grid] tbody tr[data-id], .t-board__card").map((node) => node.dataset.id);
  if ((!grid && !board) || !ids.length) return;
  const name = location.pathname.split("/")[2];
  try { sessionStorage.setItem(KEY + name, JSON.stringify(ids.slice(0, 500))); } catch { /* private windows may refuse */ }
}

function lead() {
  const nav = one("[data-neighbours]");
  if (!nav) return;
  let ids = [];
  try { ids = JSON.parse(sessionStorage.getItem(KEY + nav.dataset.neighbours) || "[]"); } catch { return; }
  const here = ids.indexOf(nav.dataset.id);
  if (here < 0) return;
  for (const [selector, id] of [["[data-previous]", ids[here - 1]], ["[data-next]", ids[here + 1]]]) {
    const link = one(selector, nav);
    link.hidden = !id;
    if (id) link.href = `/o/${nav.dataset.neighbours}/${id}`;
  }
  nav.hidden = false;
}

document.addEventListener("htmx:after:swap", remember);
remember();
lead();
