// Rows of picklist options: add, remove; a row is cloned from the <template> beside the list.
import { one } from "./dom.js";

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]"), remove = event.target.closest("[data-remove-row]");
  if (add) {
    const list = one(add.dataset.addRow), row = one("template", list.parentElement).content.firstElementChild.cloneNode(true);
    list.append(row);
    one("input", row)?.focus();
  }
  if (remove) remove.closest("[data-row]").remove();
});
