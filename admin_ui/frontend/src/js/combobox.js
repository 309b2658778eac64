// A searchable select: enhances <select data-combo [data-url] [multiple] [data-free]>, which stays the form's value.
// Pattern: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ (list autocomplete, manual selection).
import { el, getJson, icon, onElements, text } from "./dom.js";
import { place } from "./menu.js";

let serial = 0;

// The fields of the same form on which the choice depends (data-sources), as they stand now.
function sources(select) {
  const names = (select.dataset.sources || "").split(" ").filter(Boolean);
  if (!names.length || !select.form) return [];
  return [...new FormData(select.form)].filter(([name, value]) => typeof value === "string" && names.some((source) => name === source || name.startsWith(`${source}.`)));
}

function attach(select) {
  const id = `combo-${++serial}`, multiple = select.multiple, url = select.dataset.url, free = "free" in select.dataset;
  const label = select.labels?.[0];
  const input = el("input", { class: "t-combo__input", id: `${id}-input`, role: "combobox", autocomplete: "off", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": `${id}-list`, spellcheck: "false", "aria-label": label ? label.textContent.trim() : select.getAttribute("aria-label") || "", placeholder: select.dataset.placeholder || "" });
  for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  if (select.required) input.setAttribute("aria-required", "true");
  const list = el("div", { class: "t-combo__list", id: `${id}-list`, role: "listbox", popover: "manual", "aria-label": input.getAttribute("aria-label"), "aria-multiselectable": multiple ? "true" : null });
  const toggle = el("button", { type: "button", class: "t-combo__toggle", tabindex: "-1", "aria-hidden": "true" }, icon("selector", "t-icon--s"));
  const box = el("div", { class: "t-combo", "data-invalid": select.getAttribute("aria-invalid") === "true" }, input, toggle, list);
  let found = [], at = -1, timer, ticket = 0;

  select.hidden = true;
  select.tabIndex = -1;
  select.required = false;
  if (label) label.htmlFor = input.id;
  select.after(box);

  const chosen = () => [...select.selectedOptions].filter((option) => option.value);
  const changed = () => select.dispatchEvent(new Event("change", { bubbles: true }));
  const drawTokens = () => {
    box.querySelectorAll(".t-token").forEach((token) => token.remove());
    if (!multiple) { input.value = chosen()[0]?.text || ""; return; }
    for (const option of chosen()) {
      const off = el("button", { type: "button", "aria-label": `${text("remove")} ${option.text}` }, icon("x", "t-icon--s"));
      off.addEventListener("click", () => { option.selected = false; drawTokens(); changed(); input.focus(); });
      input.before(el("span", { class: "t-token" }, el("span", { class: "t-trunc" }, option.text), off));
    }
  };
  const close = () => { if (list.matches(":popover-open")) list.hidePopover(); input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); at = -1; };
  const mark = () => list.querySelectorAll("[role=option]").forEach((node, index) => {
    node.setAttribute("aria-selected", String(index === at));
    if (index === at) { input.setAttribute("aria-activedescendant", node.id); node.scrollIntoView({ block: "nearest" }); }
  });
  const open = (items, note) => {
    found = items; at = items.length ? 0 : -1;
    list.replaceChildren(...items.map((item, index) => {
      const option = el("div", { class: "t-combo__option", role: "option", id: `${id}-${index}`, "aria-selected": "false", "data-chosen": chosen().some((other) => other.value === item.value) },
        el("span", { class: "t-trunc" }, item.text), item.hint ? el("span", { class: "t-combo__hint" }, item.hint) : null);
      option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
      return option;
    }));
    if (note) list.append(el("div", { class: "t-combo__note" }, note));
    list.style.width = `${Math.max(box.offsetWidth, 200)}px`;
    if (!list.matches(":popover-open")) list.showPopover();
    input.setAttribute("aria-expanded", "true");
    place(list, box);
    mark();
  };
  const choose = (item) => {
    let option = [...select.options].find((other) => other.value === item.value);
    if (!option) { option = new Option(item.text, item.value); select.append(option); }
    if (multiple) { option.selected = !option.selected; input.value = ""; } else select.value = item.value;
    drawTokens(); changed();
    if (multiple) load(""); else close();
  };
  const load = (query) => {
    const mine = ++ticket, local = [...select.options].filter((option) => option.value).map((option) => ({ value: option.value, text: option.text, hint: option.dataset.hint }));
    const fits = local.filter((item) => item.text.toLowerCase().includes(query.toLowerCase()));
    const typed = free && query && !local.some((item) => item.value === query) ? [{ value: query, text: query, hint: text("add") }] : [];
    if (!url) return open([...typed, ...fits], fits.length || typed.length ? "" : text("nothing"));
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const items = await getJson(`${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams([["q", query], ...sources(select)])}`).catch(() => null);
      if (mine === ticket && document.activeElement === input) open([...typed, ...(items || [])], items ? (items.length || typed.length ? "" : text("nothing")) : text("network"));
    }, query ? 160 : 0);
  };
  input.addEventListener("input", () => load(input.value.trim()));
  input.addEventListener("click", () => { if (input.getAttribute("aria-expanded") !== "true") load(multiple ? input.value : ""); });
  toggle.addEventListener("click", () => { input.focus(); if (input.getAttribute("aria-expanded") === "true") close(); else load(""); });
  box.addEventListener("click", (event) => { if (event.target === box) input.focus(); });
  input.addEventListener("blur", () => {
    close();
    if (!multiple && !input.value.trim() && select.value) { select.value = ""; if (select.value) select.append(new Option("", "", true, true)); changed(); }
    drawTokens();
    if (multiple) input.value = "";
  });
  input.addEventListener("keydown", (event) => {
    const isOpen = input.getAttribute("aria-expanded") === "true", step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); if (!isOpen) load(multiple ? input.value : ""); else if (found.length) { at = (at + step + found.length) % found.length; mark(); } }
    else if (event.key === "Enter" && isOpen && !event.isComposing) { event.preventDefault(); if (found[at]) choose(found[at]); }
    else if (event.key === "Escape" && isOpen) { event.preventDefault(); event.stopPropagation(); drawTokens(); close(); }
    else if (event.key === "Backspace" && multiple && !input.value && chosen().length) { chosen().at(-1).selected = false; drawTokens(); changed(); }
  });
  drawTokens();
  if (select.autofocus) input.focus();
}

onElements("select[data-combo]", attach);
