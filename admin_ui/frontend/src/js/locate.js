// Checking in: a button fills latitude and longitude from the position of the device.
import { one } from "./dom.js";
import { toast } from "./toast.js";

const DIGITS = 6, PATIENCE_MS = 15000;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-locate]");
  if (!button) return;
  const refuse = () => { button.disabled = false; toast({ text: button.dataset.refused, kind: "error" }); };
  if (!navigator.geolocation) { refuse(); return; }
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    button.disabled = false;
    for (const part of ["latitude", "longitude"]) {
      const input = one(`#${CSS.escape(`${button.dataset.locate}-${part}`)}`);
      input.value = coords[part].toFixed(DIGITS);
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, refuse, { enableHighAccuracy: true, timeout: PATIENCE_MS });
});
