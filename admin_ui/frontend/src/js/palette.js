// The command palette: local commands at once, records from the server while typing.
import { all, el, getJson, icon, one, text } from "./dom.js";

const dialog = one("#palette");
if (dialog) {
  const input = one("input", dialog), list = one("[role=listbox]", dialog);
  const commands = all("[data-command]", dialog).map((link) => ({
    text: link.textContent.trim(), url: link.getAttribute("href"), open: link.dataset.openTarget, hint: link.dataset.hint || "", icon: link.dataset.icon, group: link.dataset.group,
  }));
  let items = [], at = 0, timer, ticket = 0;

  const matches = (query) => commands.filter((item) => query.split(/\s+/).every((word) => `${item.text} ${item.hint}`.toLowerCase().includes(word)));
  const mark = () => all("[role=option]", list).forEach((node, index) => {
    node.setAttribute("aria-selected", String(index === at));
    if (index === at) { input.setAttribute("aria-activedescendant", node.id); node.scrollIntoView({ block: "nearest" }); }
  });
  const draw = (found) => {
    items = found; at = 0; list.replaceChildren();
    let group = null, box = list;
    items.forEach((item, index) => {
      if (item.group !== group) {
        group = item.group;
        box = el("div", { role: "group", "aria-label": group || text("results") });
        if (group) box.append(el("div", { class: "t-palette__group", role: "presentation" }, group));
        list.append(box);
      }
      const row = el("div", { class: "t-palette__item", role: "option", id: `palette-${index}`, "aria-selected": "false" },
        icon(item.icon || "arrow-right"), el("span", { class: "t-trunc" }, item.text), el("span", { class: "t-palette__hint" }, item.hint));
      row.addEventListener("click", () => go(item));
      row.addEventListener("mousemove", () => { if (at !== index) { at = index; mark(); } });
      box.append(row);
    });
    if (!items.length) list.append(el("div", { class: "t-palette__none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, text("nothing")));
    mark();
  };
  const go = (item) => {
    dialog.close();
    if (item.open) one(item.open)?.showModal();
    else location.href = item.url;
  };
  const search = async () => {
    const query = input.value.trim().toLowerCase(), mine = ++ticket;
    draw(matches(query));
    if (query.length < 1 || !dialog.dataset.search) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const records = await getJson(`${dialog.dataset.search}?q=${encodeURIComponent(query)}`).catch(() => []);
      if (mine === ticket) draw([...records, ...matches(query)].slice(0, 24));
    }, 120);
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) { event.preventDefault(); at = (at + step + items.length) % items.length; mark(); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); if (items[at]) go(items[at]); }
  });
  new MutationObserver(() => { if (dialog.open) { input.value = ""; draw(commands); input.focus(); } }).observe(dialog, { attributes: true, attributeFilter: ["open"] });
}
