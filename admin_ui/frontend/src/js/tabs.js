// Tabs: [role=tablist] with buttons that name their panel by aria-controls. Without scripts all panels are shown.
import { all, onElements } from "./dom.js";

onElements("[role=tablist]", (list) => {
  const tabs = all("[role=tab]", list);
  const select = (tab) => tabs.forEach((other) => {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
  });
  list.addEventListener("click", (event) => { const tab = event.target.closest("[role=tab]"); if (tab) select(tab); });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], at = tabs.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const tab = tabs[(at + step + tabs.length) % tabs.length];
    select(tab);
    tab.focus();
  });
  select(tabs.find((tab) => tab.getAttribute("aria-selected") === "true") || tabs[0]);
});
