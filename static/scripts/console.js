// Behaviour of every page. The content security policy allows no inline script, so all of it lives here, as
// listeners on the document, so content that htmx inserts needs no wiring.

import "./copying.js";
import { UNREACHABLE, reasonOf, token } from "./requests.js";
import { toast } from "./toasts.js";

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  ctx.request.headers["X-CSRFToken"] = token();
});

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element) closeMenus(target);
});
document.addEventListener("focusin", (event) => closeMenus(event.target));

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    // A press outside of a menu's controls moves the focus to the element around the menu.
    if (!menu.contains(target) && !target.contains(menu)) menu.open = false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("input[type=search]");
    if (search && !event.target.closest("input, textarea, select, [contenteditable]")) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
});

// A form has the address and token of when its page was made; swaps and log-ins may have changed them since.
document.addEventListener("submit", ({ target: form }) => {
  const [back, proof] = [form.querySelector("input[data-here]"), form.querySelector("input[name=csrfmiddlewaretoken]")];
  if (back) back.value = location.pathname + location.search;
  if (proof) proof.value = token();
}, { capture: true });

// The second click of a double click does not send a form again.
const CLICKS_APART = 2000; // milliseconds
const sent = new WeakMap();
window.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return; // a script sends it, or it does not change anything
  if (event.timeStamp - (sent.get(form) ?? -CLICKS_APART) < CLICKS_APART) event.preventDefault();
  else sent.set(form, event.timeStamp);
});

document.addEventListener("change", (event) => {
  // A choice of how to show something sends its form at once. Without a script the form has a button.
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

/** Focus the first field with an error. Cells of rejected rows are not: nobody has sent them yet. */
function goToFault(root) {
  root.querySelector(":is(input, select, textarea)[aria-invalid=true]:not(#rejected [data-mend] *)")?.focus();
}

document.addEventListener("DOMContentLoaded", () => goToFault(document));

document.addEventListener("htmx:after:swap", (event) => {
  const { target, response } = event.detail?.ctx ?? {};
  if (response?.status === 422 && target?.isConnected) goToFault(target);
});

// For Back, typing a search is one step, not one for each letter; an empty search is no step.
document.addEventListener("htmx:before:request", ({ target, detail: { ctx } }) => {
  if (!target.matches?.("form.search")) return;
  const address = new URL(ctx.request.action, location.href);
  if (!address.searchParams.get("search")) address.searchParams.delete("search");
  ctx.request.action = address.pathname + address.search;
  if (new URLSearchParams(location.search).get("search") && address.searchParams.get("search")) {
    Object.assign(ctx, { push: "false", replace: "true" });
  }
});

let waiting = 0;
document.addEventListener("htmx:before:request", () => {
  waiting += 1;
  document.body.classList.add("is-busy");
});
document.addEventListener("htmx:finally:request", () => {
  waiting = Math.max(0, waiting - 1);
  if (!waiting) document.body.classList.remove("is-busy");
});

document.addEventListener("htmx:response:error", (event) => {
  const { response, text } = event.detail.ctx;
  if (response.status === 422) return; // the form itself shows the errors
  toast(reasonOf(response, text), true);
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail?.error?.name !== "AbortError") toast(UNREACHABLE, true);
});
