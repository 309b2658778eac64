// The number of unread messages beside the bell, and a toast for each new one. The server answers and hangs up; the browser
// asks again by itself (EventSource), with the number of the last message that it has seen.
import { one } from "./dom.js";
import { toast } from "./toast.js";

const bell = one("[data-bell]");
if (bell && "EventSource" in window) {
  const source = new EventSource(bell.dataset.bell);
  source.addEventListener("unread", (event) => {
    const badge = one("[data-bell-count]", bell);
    badge.textContent = event.data;
    badge.hidden = event.data === "0";
  });
  source.addEventListener("message", (event) => toast({ text: JSON.parse(event.data).text }));
  addEventListener("pagehide", () => source.close());
}
