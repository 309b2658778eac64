// A search box that narrows a list of items on the page: <input data-narrow="#list">, items [data-item].
import { all, one } from "./dom.js";

document.addEventListener("input", (event) => {
  const selector = event.target.dataset?.narrow;
  if (!selector) return;
  const words = event.target.value.trim().toLowerCase().split(/\s+/);
  all("[data-item]", one(selector)).forEach((item) => { item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word) || (item.dataset.item || "").toLowerCase().includes(word)); });
});
