// While the API name was not typed by hand it follows the English label.
const taken = new WeakSet();
const toName = (label) => label.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").replace(/^(\d)/, "f_$1").slice(0, 40);

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("[data-apiname]")) taken.add(field);
  if (!field.matches("[data-names]")) return;
  const name = field.form?.querySelector(`[data-apiname="${field.dataset.names}"]`);
  if (name && !taken.has(name) && !name.readOnly) name.value = toName(field.value);
});
