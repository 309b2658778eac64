// Theme and density take effect at once; the server keeps the choice for the person, the cookie for the log-in page.
import htmx from "htmx.org/dist/htmx.esm.js";
import { all } from "./dom.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set]");
  if (!button) return;
  event.preventDefault();
  const [name, value] = button.dataset.set.split(":");
  document.documentElement.dataset[name] = value;
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
  htmx.ajax("POST", "/preferences", { values: { [name]: value, quiet: "1" }, target: "body", swap: "none" });
  all(`[data-set^="${name}:"]`).forEach((other) => other.setAttribute("aria-pressed", String(other.dataset.set === button.dataset.set)));
});
