// Behaviour of every page. The content security policy allows no inline script, so all of it lives here, as
// listeners on the document: what htmx swaps in needs no wiring.
"use strict";

(() => {
  const TOAST_SECONDS = 7;
  // One with a way back stays long enough to be read, thought about and reached.
  const WAY_BACK_SECONDS = 20;
  const LOGIN = "/login/";
  const UNREACHABLE = "The server cannot be reached. Check your connection.";
  const FAILED = "The server could not do that. Nothing was changed.";
  const SAID = {
    403: "You may not do that.",
    404: "That is not there any more.",
    413: "That is more than this server takes.",
    429: "Too many requests; wait a moment.",
  };

  function iconOf(name) {
    const used = document.querySelector("svg.icon use");
    const sprite = used ? used.getAttribute("href").split("#")[0] : "";
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${sprite}#${name}`);
    svg.append(use);
    return svg;
  }

  /** Say something in the corner. An error stays until it is dismissed. */
  function toast(text, isError = false) {
    // Several parts of a page may fail for the same reason.
    const shown = [...document.querySelectorAll("#toasts .toast-bad p")].some((words) => words.textContent === text);
    if (isError && shown) return null;
    const item = document.createElement("div");
    item.className = isError ? "toast-item toast-bad" : "toast-item";
    item.dataset.toast = "";
    const words = document.createElement("p");
    words.textContent = text;
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.dismiss = "";
    button.setAttribute("aria-label", "Dismiss");
    button.append(iconOf("x"));
    item.append(iconOf(isError ? "alert-circle" : "circle-check"), words, button);
    document.getElementById("toasts").append(item);
    expire(item);
    return item;
  }

  const expiring = new WeakSet();

  /** Take a toast away after a while, unless it is an error; never while the pointer or the focus is on it. */
  function expire(item) {
    if (item.classList.contains("toast-bad") || expiring.has(item)) return;
    expiring.add(item);
    const seconds = item.querySelector("[data-way-back]") ? WAY_BACK_SECONDS : TOAST_SECONDS;
    let timer;
    const start = () => {
      clearTimeout(timer);
      if (!item.matches(":hover, :focus-within")) timer = setTimeout(() => item.remove(), seconds * 1000);
    };
    item.addEventListener("pointerenter", () => clearTimeout(timer));
    item.addEventListener("focusin", () => clearTimeout(timer));
    item.addEventListener("pointerleave", start);
    item.addEventListener("focusout", () => setTimeout(start));
    start();
    // One way back at a time, the latest change's: a pile of them says no more about which button undoes what.
    if (!item.querySelector("[data-way-back]")) return;
    for (const form of document.querySelectorAll("#toasts [data-way-back]")) {
      if (!item.contains(form)) form.closest("[data-toast]").remove();
    }
  }

  /** Put the toasts that an answer carries into the corner. */
  function showToasts(answer) {
    for (const item of answer.querySelectorAll("[data-toast]")) {
      document.getElementById("toasts").append(item);
      arrived(item);
    }
  }

  function arrived(item) {
    expire(item);
    document.dispatchEvent(new CustomEvent("tablekeep:toast", { detail: item }));
    if (item.querySelector("[data-way-back]")) document.dispatchEvent(new CustomEvent("tablekeep:changed"));
  }

  /** What proves that a request is this page's: as it is now, for logging in again in another window changes it. */
  function token() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
  }

  /**
   * A request that htmx does not make, with what makes it count as one of its own.
   *
   * Resolves to {status, html (a document, of an HTML answer), data (of a JSON answer), message (in words, of a
   * failure)}; never, where the session has ended and the browser goes to the log in.
   */
  async function send(url, fields) {
    const headers = {
      "HX-Request": "true",
      "HX-Request-Type": "partial",
      "HX-Current-URL": location.href,
      "X-CSRFToken": token(),
    };
    let response, text;
    try {
      const body = fields && new URLSearchParams(fields);
      // What is being saved arrives even if the page is left meanwhile; browsers promise that for 64 KiB.
      const keepalive = body?.toString().length < 60_000;
      response = await fetch(url, body ? { method: "POST", headers, body, keepalive } : { headers });
      text = await response.text();
    } catch {
      return { status: 0, message: UNREACHABLE };
    }
    const elsewhere = response.headers.get("HX-Redirect");
    if (elsewhere) {
      if (elsewhere.startsWith(LOGIN)) document.dispatchEvent(new CustomEvent("tablekeep:logged-out"));
      location.assign(elsewhere);
      return new Promise(() => {});
    }
    const kind = response.headers.get("Content-Type") ?? "";
    const answer = { status: response.status };
    if (kind.startsWith("text/html")) answer.html = new DOMParser().parseFromString(text, "text/html");
    if (kind.startsWith("application/json")) answer.data = JSON.parse(text);
    if (!response.ok) answer.message = kind.startsWith("text/plain") && text ? text : SAID[response.status] ?? FAILED;
    return answer;
  }

  window.tablekeep = { iconOf, send, showToasts, toast, token };

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    ctx.request.headers["X-CSRFToken"] = token();
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
    closeMenus(target);
  });
  document.addEventListener("focusin", (event) => closeMenus(event.target));

  function closeMenus(target) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      // A press on no control in a menu brings the focus to what the menu stands in.
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

  // A form says what was true when its page was made; swaps have changed the address since, and logins the token.
  document.addEventListener("submit", ({ target: form }) => {
    const [back, proof] = [form.querySelector("input[data-here]"), form.querySelector("input[name=csrfmiddlewaretoken]")];
    if (back) back.value = location.pathname + location.search;
    if (proof) proof.value = token();
  }, { capture: true });

  // A form that has just been sent is not sent again by the second click of two.
  const CLICKS_APART = 2000; // milliseconds
  const sent = new WeakMap();
  window.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return; // a script sends it, or it changes nothing
    if (event.timeStamp - (sent.get(form) ?? -CLICKS_APART) < CLICKS_APART) event.preventDefault();
    else sent.set(form, event.timeStamp);
  });

  document.addEventListener("change", (event) => {
    const target = event.target;
    // A choice that means "show it so": sends its form at once. Without a script the form has a button.
    if (target.matches("[data-submit-on-change]")) target.form.requestSubmit();
    if (target.matches("select[data-type]")) fitDetails(target);
  });

  /** The one field of a column row whose meaning depends on the type: its label, an example, whether it is a table. */
  function fitDetails(select) {
    const row = select.closest(".column-row");
    const input = row?.querySelector("[data-details]");
    if (!input) return;
    const details = JSON.parse(select.dataset.type)[select.value];
    const [label, example, isTable] = details ?? ["Details", "", false];
    input.closest(".field").classList.toggle("details-unused", !details);
    input.closest(".field").querySelector("label").textContent = label;
    input.placeholder = example;
    if (isTable) input.setAttribute("list", "referable");
    else input.removeAttribute("list");
  }

  function prepare(root) {
    for (const select of root.querySelectorAll("select[data-type]")) fitDetails(select);
    const toasts = [...root.querySelectorAll("[data-toast]"), ...(root.matches?.("[data-toast]") ? [root] : [])];
    for (const item of toasts) if (!expiring.has(item) && !item.matches(".toast-bad")) arrived(item);
  }

  /** What a form says is wrong is where to go on. */
  function goToFault(root) {
    root.querySelector(":is(input, select, textarea)[aria-invalid=true]")?.focus();
  }

  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    goToFault(document);
  });
  document.addEventListener("htmx:after:process", (event) => prepare(event.target instanceof Element ? event.target : document));

  document.addEventListener("htmx:after:swap", (event) => {
    const { target, response } = event.detail?.ctx ?? {};
    if (response?.status === 422 && target?.isConnected) goToFault(target);
    // A new column row is there to be filled in.
    const pressed = event.detail?.ctx?.request?.submitter;
    if (pressed?.name === "do" && pressed.value === "add") {
      document.querySelector(".column-row:last-of-type input[name$='-name']")?.focus();
    }
  });

  // A search in letters is one step for Back, not one a letter; and without letters it is none.
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
    if (response.status === 422) return; // the form itself says what is wrong
    const plain = (response.headers.get("Content-Type") ?? "").startsWith("text/plain");
    toast(plain && text ? text : SAID[response.status] ?? FAILED, true);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.error?.name !== "AbortError") toast(UNREACHABLE, true);
  });
})();
