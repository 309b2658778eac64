// Messages that come and go. The server sends them as an event: HX-Trigger: {"toast": {"text", "kind", "undo": {"url"}}}.
import htmx from "htmx.org/dist/htmx.esm.js";
import { el, icon, one, text } from "./dom.js";

const LIFE_MS = 5000, LIFE_WITH_UNDO_MS = 10000;

export function toast({ text: message, kind = "success", undo = null }) {
  const box = one(".t-toasts");
  const item = el("div", { class: `t-toast t-toast--${kind}`, role: kind === "error" ? "alert" : "status" },
    icon(kind === "error" ? "alert-triangle" : "circle-check"), el("span", { class: "t-toast__text" }, message));
  if (undo) {
    const button = el("button", { type: "button", class: "t-toast__undo" }, text("undo"));
    button.addEventListener("click", () => { item.remove(); htmx.ajax("POST", undo.url, { values: undo.values || {}, target: undo.target || "body", swap: undo.target ? "outerHTML" : "none" }); });
    item.append(button);
  }
  raise(box);
  box.append(item);
  endLife(item, undo ? LIFE_WITH_UNDO_MS : LIFE_MS);
}

/** Give a message its close button and let it go after a while, but not while somebody points at it. */
function endLife(item, lifeMs) {
  const close = el("button", { type: "button", class: "t-toast__close", "aria-label": text("close") }, icon("x", "t-icon--s"));
  const leave = () => { item.dataset.bye = ""; setTimeout(() => item.remove(), 260); };
  let timer;
  const wait = () => { timer = setTimeout(leave, lifeMs); };
  item.addEventListener("mouseenter", () => clearTimeout(timer));
  item.addEventListener("mouseleave", wait);
  item.addEventListener("focusin", () => clearTimeout(timer));
  close.addEventListener("click", () => item.remove());
  item.append(close);
  wait();
}

document.querySelectorAll(".t-toast").forEach((item) => endLife(item, LIFE_WITH_UNDO_MS));

/** An open modal dialog covers everything but its own content: show the messages inside it. */
function raise(box) {
  const dialogs = document.querySelectorAll("dialog[open]");
  const home = dialogs.length ? dialogs[dialogs.length - 1] : document.body;
  if (box.parentElement !== home) home.append(box);
}

document.addEventListener("close", () => document.body.append(one(".t-toasts")), true);
document.addEventListener("toast", (event) => toast(event.detail));
document.addEventListener("htmx:error", () => toast({ text: text("network"), kind: "error" }));
