// What was typed into a record's form survives a crash or a closed tab: it is kept in this browser, under the person and the
// record, until it is saved, thrown away or the person logs out. Passwords, secrets and files are never kept.
import { all, el, icon, one, onElements, text } from "./dom.js";

const PREFIX = "draft:", WAIT_MS = 400, MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const FORM = "form[data-draft]";

const keyOf = (form) => PREFIX + form.dataset.draft;
const isKept = (control) => control.name && !control.name.startsWith("csrf") && control.name !== "version" && !control.matches("[type=password],[autocomplete*=password],[type=file],[type=hidden]");

function read(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(key));
    return draft && Date.now() - draft.at < MAX_AGE_MS ? draft : null;
  } catch { return null; }
}

function write(form) {
  const values = [...form.elements].filter(isKept).filter((c) => !c.matches("[type=checkbox],[type=radio]") || c.checked)
    .flatMap((c) => (c.matches("select[multiple]") ? [...c.selectedOptions].map((o) => [c.name, o.value, o.text]) : [[c.name, c.value, c.selectedOptions?.[0]?.text]]));
  try { localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), version: form.elements.version?.value || "", values })); } catch { /* full or forbidden: the form works without */ }
}

function restore(form, draft) {
  const controls = [...form.elements].filter(isKept);
  for (const control of controls) {
    const found = draft.values.filter(([name]) => name === control.name);
    if (control.matches("[type=checkbox],[type=radio]")) control.checked = found.some(([, value]) => value === control.value);
    else if (control.matches("select")) {
      for (const [, value, label] of found) if (value && ![...control.options].some((o) => o.value === value)) control.append(new Option(label || value, value));
      for (const option of control.options) option.selected = found.some(([, value]) => value === option.value);
    } else if (found.length) control.value = found[0][1];
    const combo = control.matches("select[hidden]") && !control.multiple && control.nextElementSibling?.querySelector("input");
    if (combo) combo.value = control.selectedOptions[0]?.value ? control.selectedOptions[0].text : "";
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

onElements(FORM, (form) => {
  const key = keyOf(form), draft = read(key);
  let timer;
  // Not "change": scripts send it too, and a form that nobody typed into is no draft.
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => write(form), WAIT_MS); });
  form.addEventListener("submit", () => { clearTimeout(timer); localStorage.removeItem(key); });
  if (!draft || draft.version !== (form.elements.version?.value || "")) return;
  const box = el("div", { class: "t-notice t-notice--warn t-draft", role: "status" }, icon("history"), el("div", {}, el("strong", {}, text("draft"))));
  const button = (label, act) => {
    const node = el("button", { type: "button", class: "t-btn t-btn--s" }, label);
    node.addEventListener("click", () => { act(); box.remove(); });
    box.append(node);
  };
  button(text("draft_restore"), () => restore(form, draft));
  button(text("draft_discard"), () => localStorage.removeItem(key));
  (one("fieldset", form) || form.firstElementChild).before(box);
});

document.addEventListener("submit", (event) => {
  if (!event.target.getAttribute("action")?.endsWith("/logout")) return; // .action may be a field of that name
  all(FORM).forEach((form) => localStorage.removeItem(keyOf(form)));
  Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).forEach((key) => localStorage.removeItem(key));
});
