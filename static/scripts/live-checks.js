// Forms that are checked while they are filled in (`data-check`): the server's own checks, without doing anything,
// shown at the fields that have been changed. What it says of a field not yet reached waits until the form is sent.

import { send } from "./requests.js";

const PAUSE = 200; // milliseconds
const touched = new WeakMap(); // ids of fields, by form
const asked = new WeakMap(); // the number of the last question, by form

document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form?.matches?.("form[data-check]") || !target.id || target.name === "sketch") return;
  if (!touched.has(form)) touched.set(form, new Set());
  touched.get(form).add(target.id);
  check(form);
});

let press = Promise.resolve();
document.addEventListener("pointerdown", () => {
  press = new Promise((resolve) => {
    for (const name of ["pointerup", "pointercancel"]) {
      document.addEventListener(name, () => setTimeout(resolve), { capture: true, once: true });
    }
  });
}, { capture: true });

async function check(form) {
  const number = (asked.get(form) ?? 0) + 1;
  asked.set(form, number);
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (asked.get(form) !== number || !form.isConnected) return;
  const fields = new FormData(form);
  fields.set("do", "check");
  const { data } = await send(form.action, fields);
  await press; // errors move what is below them, so none comes or goes while a button is being pressed
  if (!data || asked.get(form) !== number || !form.isConnected) return;
  const ids = new Set(touched.get(form));
  for (const list of form.querySelectorAll(".errorlist[id]")) ids.add(list.id.replace(/_error$/, ""));
  for (const id of ids) show(form, id, data.errors[id] ?? []);
}

// Rows are numbered by their place, so after a change of the rows nothing is known to have been touched.
document.addEventListener("htmx:after:swap", ({ detail }) => {
  const form = detail?.ctx?.target?.closest?.("form[data-check]");
  if (!form) return;
  touched.delete(form);
  asked.set(form, (asked.get(form) ?? 0) + 1);
});

/** The errors of a field, in the way that Django writes them. */
function show(form, id, errors) {
  const field = document.getElementById(id);
  if (!field || field.form !== form) return;
  const place = `${id}_error`;
  document.getElementById(place)?.remove();
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((word) => word && word !== place);
  if (errors.length) {
    const list = document.createElement("ul");
    list.className = "errorlist";
    list.id = place;
    list.append(...errors.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    (field.closest(".field, .column-case") ?? field.closest("label").parentElement).append(list);
    field.setAttribute("aria-invalid", "true");
    described.push(place);
  } else field.removeAttribute("aria-invalid");
  if (described.length) field.setAttribute("aria-describedby", described.join(" "));
  else field.removeAttribute("aria-describedby");
}
