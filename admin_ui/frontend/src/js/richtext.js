// Rich text: a small toolbar over a contenteditable that writes its HTML into the textarea; the server sanitises it.
import { el, icon, onElements, text } from "./dom.js";

const COMMANDS = [["bold", "bold"], ["italic", "italic"], ["insertUnorderedList", "list"], ["insertOrderedList", "list-numbers"]];

onElements("textarea[data-richtext]", (area) => {
  const label = area.labels?.[0];
  const body = el("div", { class: "t-richtext__area t-prose", contenteditable: "true", role: "textbox", "aria-multiline": "true", "aria-label": label?.textContent.trim() || "" });
  const clean = new DOMParser().parseFromString(area.value, "text/html");
  clean.querySelectorAll("script,style,iframe,object").forEach((node) => node.remove());
  body.append(...clean.body.childNodes);
  const bar = el("div", { class: "t-richtext__bar", role: "toolbar", "aria-label": text("format") }, ...COMMANDS.map(([command, glyph]) => {
    const button = el("button", { type: "button", "aria-label": text(command) }, icon(glyph, "t-icon--s"));
    button.addEventListener("mousedown", (event) => { event.preventDefault(); body.focus(); document.execCommand(command); area.value = body.innerHTML; });
    return button;
  }));
  area.hidden = true;
  area.before(el("div", { class: "t-richtext" }, bar, body));
  body.addEventListener("input", () => { area.value = body.innerHTML === "<br>" ? "" : body.innerHTML; area.dispatchEvent(new Event("change", { bubbles: true })); });
});
