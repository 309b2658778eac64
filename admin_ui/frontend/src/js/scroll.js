// A row that scrolls sideways begins where the current item is.
import { onElements } from "./dom.js";

onElements("[data-show-current]", (row) => {
  const current = row.querySelector("[aria-current]");
  if (current && row.scrollWidth > row.clientWidth) row.scrollLeft = current.offsetLeft - row.offsetLeft - 16;
});
