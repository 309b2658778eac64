// Calendars: records are dragged to another day with the mouse; the keyboard uses Alt with the arrow keys (a day, a week).
import htmx from "htmx.org/dist/htmx.esm.js";
import { all, one } from "./dom.js";

const DAYS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
let held = null;

function put(item, day) {
  const root = one("[data-calendar]");
  htmx.ajax("POST", `${root.dataset.calendar}/${item.dataset.id}/day/${root.dataset.field}`, { values: { day, back: root.dataset.back }, target: "#calendar", swap: "outerHTML" })
    .then(() => one(`.t-calendar__item[data-id="${CSS.escape(item.dataset.id)}"] a`)?.focus({ preventScroll: true }));
}

const clear = () => all("[data-day][data-over]").forEach((cell) => delete cell.dataset.over);

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("[data-calendar] .t-calendar__item") || null;
  if (held) { event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", held.textContent.trim()); }
});
document.addEventListener("dragover", (event) => {
  const cell = held && event.target.closest?.("[data-calendar] [data-day]");
  if (!cell) return;
  event.preventDefault();
  clear();
  cell.dataset.over = "";
});
document.addEventListener("drop", (event) => {
  const cell = held && event.target.closest?.("[data-calendar] [data-day]");
  clear();
  if (!cell) return;
  event.preventDefault();
  if (!cell.contains(held)) put(held, cell.dataset.day);
  held = null;
});
document.addEventListener("dragend", () => { held = null; clear(); });

document.addEventListener("keydown", (event) => {
  const item = event.altKey && event.key in DAYS && event.target.closest?.("[data-calendar] .t-calendar__item");
  if (!item) return;
  event.preventDefault();
  const day = new Date(`${item.closest("[data-day]").dataset.day}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + DAYS[event.key]);
  put(item, day.toISOString().slice(0, 10));
});
