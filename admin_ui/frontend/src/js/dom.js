// Small shared helpers. Texts for scripts come from the server in <body data-texts>.
export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = JSON.parse(document.body.dataset.texts || "{}");
export const text = (key) => texts[key] || key;
export const isTyping = (target) => Boolean(target.closest?.("input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable=true]"));

/** Build an element: el("button", {class: "t-btn", type: "button"}, "Save", otherNode). Text is always set as text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function icon(name, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", `t-icon ${extra}`);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Call `attach` once for each matching element now and after each swap. */
export function onElements(selector, attach) {
  const seen = new WeakSet();
  const scan = () => {
    for (const node of all(selector)) if (!seen.has(node)) { seen.add(node); attach(node); }
  };
  document.addEventListener("htmx:after:swap", scan);
  document.addEventListener("t:scan", scan);
  scan();
}

export const getJson = (url, options = {}) =>
  fetch(url, { headers: { Accept: "application/json" }, ...options }).then((response) => {
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  });
