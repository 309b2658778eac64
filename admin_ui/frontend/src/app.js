// Entry of the bundle: htmx for partial updates, one module per behaviour, attached by data- attributes.
import htmx from "htmx.org/dist/htmx.esm.js";
import "./js/toast.js";
import "./js/menu.js";
import "./js/dialog.js";
import "./js/theme.js";
import "./js/nav.js";
import "./js/palette.js";
import "./js/shortcuts.js";
import "./js/grid.js";
import "./js/selection.js";
import "./js/combobox.js";
import "./js/form.js";
import "./js/drafts.js";
import "./js/formstate.js";
import "./js/formula.js";
import "./js/tabs.js";
import "./js/upload.js";
import "./js/password.js";
import "./js/apiname.js";
import "./js/filterlist.js";
import "./js/optionrows.js";
import "./js/richtext.js";
import "./js/scroll.js";
import "./js/notifications.js";
import "./js/board.js";
import "./js/mass.js";
import "./js/calendar.js";
import "./js/mentions.js";
import "./js/neighbours.js";
import "./js/locate.js";

// Styles come from the sheet only: the policy forbids inline ones.
htmx.config.includeIndicatorCSS = false;
document.documentElement.dataset.ready = "";
performance.mark("app-ready");
