// Theme and density take effect at once; the cookie lets the server render the next page right from the start.
import { all } from "./dom.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set]");
  if (!button) return;
  event.preventDefault();
  const [name, value] = button.dataset.set.split(":");
  document.documentElement.dataset[name] = value;
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
  all(`[data-set^="${name}:"]`).forEach((other) => other.setAttribute("aria-pressed", String(other.dataset.set === button.dataset.set)));
});
