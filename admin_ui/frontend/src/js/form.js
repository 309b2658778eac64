// Forms: focus the first error, warn before leaving with changes, show that saving runs, Ctrl-Enter saves.
import { all, one, onElements, text } from "./dom.js";

const FORM = "form[data-form]";

onElements(FORM, (form) => {
  const wrong = one("[aria-invalid=true]", form);
  const first = wrong?.matches("select[hidden]") ? one("input", wrong.nextElementSibling) : wrong;
  (first || one("[autofocus]", form))?.focus();
  const mark = () => { form.dataset.dirty = ""; };
  form.addEventListener("input", mark);
  form.addEventListener("change", mark);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  delete form.dataset.dirty;
  const button = event.submitter;
  if (button?.matches(".t-btn")) { button.setAttribute("aria-busy", "true"); setTimeout(() => button.removeAttribute("aria-busy"), 4000); }
});
document.addEventListener("htmx:finally:request", () => all("[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy")));
addEventListener("beforeunload", (event) => { if (one(`${FORM}[data-dirty][data-guard]`)) event.preventDefault(); });
document.addEventListener("cancel", (event) => {
  if (one(`${FORM}[data-dirty]`, event.target) && !confirm(text("discard"))) event.preventDefault();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest("form")?.requestSubmit();
});
document.addEventListener("change", (event) => { if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit(); });
