// Formula editor: completes names at the cursor, asks the server to judge what is typed, selects the characters of a problem.
// Without scripts the text area works as it is, and the review tells the problems.
import { all, el, getJson, one, onElements, text } from "./dom.js";
import { place } from "./menu.js";

const WORD = /[\w$.]*$/, PAUSE_MS = 300;
let serial = 0;

function attach(area) {
  const id = `formula-${++serial}`;
  const list = el("div", { class: "t-combo__list", id: `${id}-list`, role: "listbox", popover: "manual", "aria-label": text("completions") });
  area.after(list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  let found = [], at = -1, ticket = 0, timer;

  const isOpen = () => list.matches(":popover-open");
  const word = () => area.value.slice(0, area.selectionStart).match(WORD)[0];
  const close = () => { if (isOpen()) list.hidePopover(); area.removeAttribute("aria-activedescendant"); found = []; at = -1; };
  const mark = () => all("[role=option]", list).forEach((node, index) => {
    node.setAttribute("aria-selected", String(index === at));
    if (index === at) { area.setAttribute("aria-activedescendant", node.id); node.scrollIntoView({ block: "nearest" }); }
  });
  const choose = (item) => {
    const end = area.selectionStart, start = end - word().length;
    area.setRangeText(item.value, start, end, "end");
    close();
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const complete = async () => {
    const mine = ++ticket;
    const items = await getJson(`${area.dataset.formula}?word=${encodeURIComponent(word())}`).catch(() => []);
    if (mine !== ticket || document.activeElement !== area) return;
    if (!items.length || (items.length === 1 && items[0].value === word())) return close();
    found = items; at = 0;
    list.replaceChildren(...items.map((item, index) => {
      const option = el("div", { class: "t-combo__option", role: "option", id: `${id}-${index}`, "aria-selected": "false" }, el("span", { class: "t-trunc" }, item.text), el("span", { class: "t-combo__hint" }, item.hint));
      option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
      return option;
    }));
    list.style.width = `${Math.min(area.offsetWidth, 460)}px`;
    if (!isOpen()) list.showPopover();
    place(list, area);
    mark();
  };
  const check = () => area.dispatchEvent(new Event("judge"));

  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
    if (word()) complete(); else close();
  });
  area.addEventListener("blur", close);
  area.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); complete(); }
    else if (!isOpen() || event.isComposing) return;
    else if (step) { event.preventDefault(); at = (at + step + found.length) % found.length; mark(); }
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey || event.key === "Tab") { event.preventDefault(); choose(found[at]); }
    else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
  });
  if (area.value.trim()) setTimeout(check);
}

onElements("textarea[data-formula]", attach);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-sample]")) all("textarea[data-formula]", event.target.form).forEach((area) => area.dispatchEvent(new Event("judge")));
});
document.addEventListener("click", (event) => {
  const go = event.target.closest("[data-goto]"), area = go && one("textarea", go.closest(".t-formula"));
  if (area) { area.focus(); area.setSelectionRange(...go.dataset.goto.split(",").map(Number)); }
});
