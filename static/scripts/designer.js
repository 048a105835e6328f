// The designer: rows of columns are moved by dragging and by Alt+arrows, and a field's name follows the type.
// Without this script buttons do the same; which fields apply to a type is CSS alone.

import "./choices.js";
import "./console.js";
import "./live-checks.js";
import "./row-order.js";

/** The field for a type's parameters is called what the type calls it, with an example. */
function nameDetails(select) {
  const option = select.selectedOptions[0];
  const input = select.closest("form").elements[select.name.replace(/type$/, "details")];
  if (!input || !option?.dataset.details) return;
  const [label, example] = JSON.parse(option.dataset.details);
  input.labels[0].textContent = label;
  input.placeholder = example;
}

/** The help of a reference tells by which column the records of its table are shown. */
function tellNames(input) {
  const help = document.getElementById(`${input.id}_helptext`);
  const option = [...(input.list?.options ?? [])].find(({ value }) => value === input.value.trim());
  if (help && option) help.textContent = option.label;
}

function prepare(root) {
  for (const input of root.querySelectorAll("input[list=referable]")) tellNames(input);
  for (const select of root.querySelectorAll("select[name$=type]")) nameDetails(select);
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:after:process", ({ target }) => prepare(target instanceof Element ? target : document));
document.addEventListener("change", ({ target }) => {
  if (target.matches("select[name$=type]")) nameDetails(target);
  if (target.matches("select[data-short]")) askAnew(target);
});

/** One of very many rows has only the fields that its type takes: for another type, the server has to be asked. */
function askAnew(select) {
  const button = document.createElement("button");
  const value = `type:${select.closest("[data-movable]").dataset.movable}`;
  Object.assign(button, { name: "do", value, hidden: true, formNoValidate: true });
  select.form.append(button);
  select.form.requestSubmit(button);
  button.remove();
}

document.addEventListener("htmx:after:swap", () => prepare(document));

// A row that opens or closes in place takes the focus along.
let opening = null;
document.addEventListener("htmx:before:request", ({ target }) => {
  opening = target.closest?.("tbody[data-movable]")?.id ?? null;
});
document.addEventListener("htmx:after:swap", (event) => {
  const { request, response } = event.detail?.ctx ?? {};
  if (request?.submitter?.name === "do" && request.submitter.value === "add") {
    const names = document.querySelectorAll(".column-rows input[name$='-name']");
    names[names.length - 1]?.focus();
  }
  const [doing, place] = request?.submitter?.name === "do" ? request.submitter.value.split(":") : [];
  if (doing === "more") document.querySelector(`#column-row-${place} .column-more > summary`)?.focus();
  const row = opening && document.getElementById(opening);
  opening = null;
  if (response?.status === 422) document.getElementById("rehearsal-title")?.focus();
  if (!row || response?.status === 422) return;
  const inside = row.querySelector("form[data-check] input[name=name], .notice ~ .actions a");
  (inside ?? row.querySelector("a[data-open]"))?.focus();
});
// Escape closes a row in which nothing was typed yet.
document.addEventListener("input", ({ target }) => {
  // Not when the field is left: by a press on a button, which would move away from under the pointer.
  if (target.matches("input[list=referable]")) tellNames(target);
  if (target.form?.matches("form[data-check]")) target.form.dataset.changed = "";
});
document.addEventListener("keydown", (event) => {
  const row = event.key === "Escape" && event.target.closest?.("tbody[data-movable]");
  if (row && !row.querySelector("form[data-changed]")) row.querySelector("a[data-close]")?.click();
});
