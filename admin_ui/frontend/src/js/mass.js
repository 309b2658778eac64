// Changes of many records: the form of the selected rows opens in the drawer; shift-click on a head sorts by one more column.
import htmx from "htmx.org/dist/htmx.esm.js";
import { one } from "./dom.js";

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-mass]")) return;
  event.preventDefault();
  htmx.ajax("POST", button.formAction, { source: button, target: "#drawer-body", swap: "innerHTML" });
});

document.addEventListener("click", (event) => {
  const head = event.target.closest?.("[data-also]");
  if (!head || !event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  htmx.ajax("GET", head.dataset.also, { target: "#list", push: "true" });
  history.replaceState(history.state, "", head.dataset.also);
}, true);

document.addEventListener("click", (event) => { if (event.target.closest?.("[data-print]")) setTimeout(() => print(), 50); });

// All that fit: the rows on screen are only some of them.
document.addEventListener("change", (event) => {
  const bar = event.target.matches?.("[data-pick-everything]") && event.target.closest("[data-bulk]");
  if (bar) one("[data-count]", bar).toggleAttribute("data-all", event.target.checked);
});
