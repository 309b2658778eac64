// The side bar on phones, the line that shows a request running, and the notice that the network is gone.
import { one } from "./dom.js";

const root = document.documentElement;
const setOpen = (open) => {
  if (open) root.dataset.navOpen = ""; else delete root.dataset.navOpen;
  document.querySelectorAll("[data-nav]").forEach((button) => button.setAttribute("aria-expanded", String(open)));
  if (open) one("#side a, #side button")?.focus();
};

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-nav]")) { event.preventDefault(); setOpen(!("navOpen" in root.dataset)); }
  else if ("navOpen" in root.dataset && !event.target.closest("#side")) setOpen(false);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && "navOpen" in root.dataset) setOpen(false); });

const online = () => { if (navigator.onLine) delete root.dataset.offline; else root.dataset.offline = ""; };
addEventListener("online", online);
addEventListener("offline", online);
online();

const progress = (running) => one("#progress")?.classList.toggle("htmx-request", running);
document.addEventListener("htmx:before:request", () => progress(true));
document.addEventListener("htmx:finally:request", () => progress(false));
