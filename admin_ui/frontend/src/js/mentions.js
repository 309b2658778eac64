// Naming people in a text: after "@" a list of people, chosen with the arrow keys and Enter; the name is plain text.
import { el, getJson } from "./dom.js";

let box = null, area = null, at = -1, found = [], chosen = 0, asked = 0;

function close() { box?.remove(); box = null; at = -1; area?.removeAttribute("aria-activedescendant"); }

function show() {
  box?.remove();
  if (!found.length) { box = null; return; }
  box = el("div", { class: "t-mentions", role: "listbox", popover: "manual", id: "mentions", "aria-label": area.placeholder }, ...found.map((person, i) =>
    el("button", { type: "button", role: "option", id: `mention-${i}`, "aria-selected": String(i === chosen), tabindex: "-1" }, el("span", { class: "t-grow t-trunc" }, person.name), el("span", { class: "t-muted t-small" }, person.login))));
  (area.closest("dialog") || document.body).append(box);
  box.showPopover();
  const place = area.getBoundingClientRect();
  box.style.left = `${place.left + 8}px`;
  box.style.top = `${place.bottom + box.offsetHeight + 8 > innerHeight ? place.top - box.offsetHeight - 4 : place.bottom + 4}px`;
  [...box.children].forEach((item, i) => item.addEventListener("mousedown", (event) => { event.preventDefault(); take(i); }));
  area.setAttribute("aria-activedescendant", `mention-${chosen}`);
}

function take(index) {
  const name = found[index].name, end = area.selectionStart;
  area.setRangeText(`@${name} `, at, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

document.addEventListener("input", async (event) => {
  if (!event.target.matches?.("[data-mentions]")) return;
  area = event.target;
  const before = area.value.slice(0, area.selectionStart), match = /(?:^|[^\w@])@([^@\n]{0,30})$/.exec(before);
  if (!match) { close(); return; }
  at = before.length - match[1].length - 1;
  const mine = ++asked;
  const people = await getJson(`${area.dataset.mentions}?q=${encodeURIComponent(match[1])}`).catch(() => []);
  if (mine !== asked || at < 0) return;
  found = people; chosen = 0;
  show();
});

document.addEventListener("keydown", (event) => {
  if (!box || event.target !== area) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length; show(); }
  else if ((event.key === "Enter" && !event.ctrlKey) || event.key === "Tab") take(chosen);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("focusout", (event) => { if (event.target === area) close(); });

// The composer offers a time and a file only for the kinds that have them.
function fit(form) {
  const kind = form.querySelector("[data-log-kind]:checked");
  form.querySelector("[data-log-when]")?.toggleAttribute("hidden", !kind || !("at" in kind.dataset));
  form.querySelector("[data-log-file]")?.toggleAttribute("hidden", !kind || !("file" in kind.dataset));
}
document.addEventListener("change", (event) => {
  const form = event.target.closest?.(".t-composer");
  if (!form) return;
  if (event.target.type === "file") form.querySelector("[data-log-name]").textContent = event.target.files[0]?.name || "";
  fit(form);
});
const fitAll = () => document.querySelectorAll(".t-composer").forEach(fit);
document.addEventListener("htmx:after:swap", fitAll);
fitAll();
