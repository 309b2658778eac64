// Boards: cards are dragged with mouse or finger, moved by keyboard, or through a menu. The server decides; what it refuses goes back.
import htmx from "htmx.org/dist/htmx.esm.js";
import { all, one } from "./dom.js";
import { place } from "./menu.js";

const START_PX = 6, HOLD_MS = 280, EDGE_PX = 56, STEP_PX = 14;
let drag = null, picked = null, chosen = null, focusId = null;

const board = () => one("[data-board]");
const columns = () => all(".t-board__head", board()).map((head) => head.dataset.column);
const quoted = (text) => CSS.escape(text);
const cellAt = (column, lane) => one(`.t-board__cell[data-column="${quoted(column)}"][data-lane="${quoted(lane)}"]`, board());
const headName = (column) => one(`#head-${quoted(column)} .t-tag`)?.textContent || column;
const say = (text) => { const box = one("[data-board-say]"); if (box) box.textContent = text; };
const told = (name, value = "") => (board().dataset[name] || "").replace("{}", value);

function highlight(cell) {
  all(".t-board__cell[data-over]", board()).forEach((other) => { if (other !== cell) delete other.dataset.over; });
  if (cell) cell.dataset.over = "";
}

/** Put the card where it was dropped and ask the server; put it back if the server does not move it. */
async function move(card, column, lane) {
  const root = board(), from = card.parentElement, before = card.nextElementSibling, id = card.dataset.id;
  const target = cellAt(column, root.dataset.lanes ? lane : from.dataset.lane);
  if (!target || target === from) return;
  const values = { stage: column, back: root.dataset.back };
  if (target.dataset.lane !== from.dataset.lane) Object.assign(values, { lanes: root.dataset.lanes, lane: target.dataset.lane });
  let isMoved = false;
  const settle = (event) => { isMoved ||= event.detail?.id === id; };
  document.addEventListener("boardMoved", settle);
  target.prepend(card);
  card.dataset.waiting = "";
  focusId = id;
  try {
    await htmx.ajax("POST", `${root.dataset.board}/${id}/place/${root.dataset.field}`, { values, target: "#drawer-body", swap: "innerHTML" });
  } finally {
    document.removeEventListener("boardMoved", settle);
    if (!isMoved && card.isConnected) { delete card.dataset.waiting; from.insertBefore(card, before?.isConnected ? before : null); }
    if (!one("dialog[open]")) refocus();
  }
}

function refocus() {
  const link = focusId && one(`#card-${quoted(focusId)} a`);
  focusId = null;
  link?.focus({ preventScroll: true });
}

// The server's word on where a card stands: also after Undo, which moves a card that nobody dragged.
document.addEventListener("boardMoved", (event) => {
  const { id, column, lane } = event.detail, card = one(`#card-${quoted(id)}`);
  if (!card || !board()) return;
  delete card.dataset.waiting;
  if (column === null) { card.remove(); return; }
  const target = cellAt(column, lane ?? card.parentElement.dataset.lane);
  if (target && card.parentElement !== target) target.prepend(card);
});

/* ---- mouse and finger ---- */
function begin(event, card) {
  const box = card.getBoundingClientRect(), ghost = card.cloneNode(true);
  ghost.removeAttribute("id");
  ghost.classList.add("t-board__ghost");
  ghost.style.width = `${box.width}px`;
  board().append(ghost);
  Object.assign(drag, { ghost, dx: event.clientX - box.left, dy: event.clientY - box.top, isOn: true });
  card.dataset.lifted = "";
  document.documentElement.dataset.dragging = "";
  follow(event.clientX, event.clientY);
  requestAnimationFrame(scrollAtEdges);
}

function follow(x, y) {
  Object.assign(drag, { x, y });
  drag.ghost.style.left = `${x - drag.dx}px`;
  drag.ghost.style.top = `${y - drag.dy}px`;
  const under = document.elementFromPoint(x, y)?.closest("[data-board] [data-column]");
  const column = under?.dataset.column, lane = under?.dataset.lane ?? drag.card.parentElement.dataset.lane;
  drag.target = column === undefined ? null : cellAt(column, board().dataset.lanes ? lane : drag.card.parentElement.dataset.lane);
  highlight(drag.target);
}

function scrollAtEdges() {
  if (!drag?.isOn) return;
  const root = board(), box = root.getBoundingClientRect();
  const step = (at, low, high) => (at < low + EDGE_PX ? -STEP_PX : at > high - EDGE_PX ? STEP_PX : 0);
  root.scrollBy(step(drag.x, box.left, Math.min(box.right, innerWidth)), step(drag.y, box.top, box.bottom));
  requestAnimationFrame(scrollAtEdges);
}

function end(drop) {
  if (!drag) return;
  const { card, target, isOn, ghost, timer } = drag;
  clearTimeout(timer);
  drag = null;
  if (!isOn) return;
  ghost.remove();
  delete card.dataset.lifted;
  delete document.documentElement.dataset.dragging;
  highlight(null);
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
  if (drop && target) move(card, target.dataset.column, target.dataset.lane);
}

const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };

document.addEventListener("pointerdown", (event) => {
  const card = event.target.closest?.("[data-board] .t-board__card");
  if (!card || event.button !== 0 || event.target.closest("[data-move]") || card.matches("[data-waiting]")) return;
  drag = { card, startX: event.clientX, startY: event.clientY, byTouch: event.pointerType !== "mouse" };
  if (drag.byTouch) drag.timer = setTimeout(() => { if (drag) { begin(event, card); navigator.vibrate?.(10); } }, HOLD_MS);
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (drag.isOn) { follow(event.clientX, event.clientY); return; }
  if (Math.hypot(event.clientX - drag.startX, event.clientY - drag.startY) < START_PX) return;
  if (drag.byTouch) { clearTimeout(drag.timer); drag = null; } else begin(event, drag.card);
});
document.addEventListener("pointerup", () => end(true));
document.addEventListener("pointercancel", () => end(false));
document.addEventListener("touchmove", (event) => { if (drag?.isOn) event.preventDefault(); }, { passive: false });
document.addEventListener("contextmenu", (event) => { if (drag?.byTouch) event.preventDefault(); });
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("[data-board]")) event.preventDefault(); });

/* ---- keyboard ---- */
const cardsOf = (cell) => all(".t-board__card", cell);

function neighbour(card, key) {
  const cell = card.parentElement, list = cardsOf(cell), at = list.indexOf(card);
  if (key === "ArrowDown") return list[at + 1];
  if (key === "ArrowUp") return list[at - 1];
  const row = all(".t-board__cell", cell.parentElement), step = key === "ArrowRight" ? 1 : -1;
  for (let i = row.indexOf(cell) + step; i >= 0 && i < row.length; i += step) {
    const found = cardsOf(row[i]);
    if (found.length) return found[Math.min(at, found.length - 1)];
  }
  return null;
}

function carry(key) {
  const names = columns(), rows = all(".t-board__row", board());
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const at = names.indexOf(picked.column) + (key === "ArrowRight" ? 1 : -1);
    picked.column = names[Math.max(0, Math.min(names.length - 1, at))];
  } else if (board().dataset.lanes) {
    const lanes = rows.map((row) => one(".t-board__cell", row).dataset.lane), at = lanes.indexOf(picked.lane) + (key === "ArrowDown" ? 1 : -1);
    picked.lane = lanes[Math.max(0, Math.min(lanes.length - 1, at))];
  }
  const cell = cellAt(picked.column, picked.lane);
  highlight(cell);
  one(`#head-${quoted(picked.column)}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  say(told("over", headName(picked.column)));
}

function letGo(drop) {
  const { card, column, lane } = picked;
  picked = null;
  delete card.dataset.lifted;
  highlight(null);
  say(drop ? told("dropped", headName(column)) : told("gone"));
  if (drop) move(card, column, lane);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drag?.isOn) { end(false); return; }
  const card = event.target.closest?.("[data-board] .t-board__card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  const isArrow = event.key.startsWith("Arrow"), isSpace = event.key === " ";
  if (picked) {
    if (isArrow) carry(event.key);
    else if (isSpace || event.key === "Enter") letGo(true);
    else if (event.key === "Escape" || event.key === "Tab") letGo(false);
    else return;
    if (event.key !== "Tab") { event.preventDefault(); event.stopPropagation(); }
  } else if (isSpace && event.target.matches("a")) {
    event.preventDefault();
    picked = { card, column: card.parentElement.dataset.column, lane: card.parentElement.dataset.lane };
    card.dataset.lifted = "";
    say(told("picked", card.dataset.name));
  } else if (isArrow) {
    const next = neighbour(card, event.key);
    if (next) { event.preventDefault(); one("a", next).focus(); next.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  }
});

/* ---- the menu ---- */
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-move]"), menu = one("#board-move");
  if (opener && menu) {
    chosen = opener.closest(".t-board__card");
    all("[data-move-to]", menu).forEach((item) => { item.disabled = item.dataset.moveTo === chosen.parentElement.dataset.column; });
    menu.showPopover();
    place(menu, opener);
    one("button:not(:disabled)", menu)?.focus({ preventScroll: true });
    return;
  }
  const item = event.target.closest?.("[data-move-to]");
  if (item && chosen) {
    menu.hidePopover();
    move(chosen, item.dataset.moveTo, chosen.parentElement.dataset.lane);
    chosen = null;
  }
});

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-board-jump]") || !event.target.value) return;
  one(`#head-${quoted(event.target.value)}`)?.scrollIntoView({ block: "nearest", inline: "start", behavior: "smooth" });
});
