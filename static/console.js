// Behaviour of every page. The content security policy allows no inline script, so all of it lives here, as
// listeners on the document: what htmx swaps in needs no wiring.
"use strict";

(() => {
  const TOAST_SECONDS = 7;

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
  }

  function expire(item) {
    if (!item.classList.contains("toast-bad")) setTimeout(() => item.remove(), TOAST_SECONDS * 1000);
  }

  window.tablekeep = { toast };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });

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

  document.addEventListener("change", (event) => {
    const target = event.target;
    // A choice that means "show it so": sends its form at once. Without a script the form has a button.
    if (target.matches("[data-submit-on-change]")) target.form.requestSubmit();
    if (target.matches("select[data-type]")) fitDetails(target);
  });

  // The one field of a column row whose meaning depends on the type.
  const DETAILS = {
    VARCHAR: ["Length", "120"],
    NUMERIC: ["Digits, decimals", "12, 2"],
    CHOICE: ["Choices", "red, green, blue"],
    REFERENCES: ["Table", "customers"],
  };

  function fitDetails(select) {
    const row = select.closest(".column-row");
    const input = row?.querySelector("[data-details]");
    if (!input) return;
    const [label, example] = DETAILS[select.value] ?? ["Details", ""];
    input.closest(".field").classList.toggle("details-unused", !DETAILS[select.value]);
    input.closest(".field").querySelector("label").textContent = label;
    input.placeholder = example;
    if (select.value === "REFERENCES") input.setAttribute("list", "referable");
    else input.removeAttribute("list");
  }

  function prepare(root) {
    for (const select of root.querySelectorAll("select[data-type]")) fitDetails(select);
    for (const item of root.querySelectorAll("[data-toast]")) expire(item);
  }

  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:after:process", (event) => prepare(event.target instanceof Element ? event.target : document));

  // A new column row is there to be filled in.
  document.addEventListener("htmx:after:swap", (event) => {
    const pressed = event.detail?.ctx?.request?.submitter;
    if (pressed?.name === "do" && pressed.value === "add") {
      document.querySelector(".column-row:last-of-type input[name$='-name']")?.focus();
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

  const SAID = {
    403: "You may not do that.",
    404: "That is not there any more.",
    413: "That is more than this server takes.",
    429: "Too many requests; wait a moment.",
  };
  document.addEventListener("htmx:response:error", (event) => {
    const { response, text } = event.detail.ctx;
    if (response.status === 422) return; // the form itself says what is wrong
    const plain = (response.headers.get("Content-Type") ?? "").startsWith("text/plain");
    toast(plain && text ? text : SAID[response.status] ?? "The server could not do that. Nothing was changed.", true);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.error?.name !== "AbortError") toast("The server cannot be reached. Check your connection.", true);
  });
})();
