// Mending rejected rows in place: what is typed into a cell is saved when the cell is left, and its row shows at once
// what is wrong with it now. Without this script every row has a button that does the same.

import "./console.js";
import { send } from "./requests.js";
import { showToasts, toast } from "./toasts.js";

// The rows that are being saved; one after another, so that each knows the version that the one before it made.
const saving = new Map();

const rowOf = (element) => element.closest?.("tr[data-mend]");
const fieldsOf = (row) => [...row.querySelectorAll("[name^='cell-']")].filter((field) => field.type !== "hidden");

document.addEventListener("change", ({ target }) => {
  const row = rowOf(target);
  if (row && target.name?.startsWith("cell-")) save(row);
});

document.addEventListener("submit", (event) => {
  const row = rowOf(event.target);
  if (!row) return;
  event.preventDefault();
  save(row, Object.fromEntries(new FormData(event.target)));
}, { capture: true });

document.addEventListener("click", async (event) => {
  const row = rowOf(event.target);
  if (!row || !event.target.closest("[data-take-theirs]")) return;
  event.preventDefault();
  const then = valuesOf(row);
  apply(row, await send(row.dataset.mend), then);
});

/** What differs from what the server sent, with what that was: others may write into the other cells meanwhile. */
function typedIn(row) {
  const typed = fieldsOf(row).filter((field) => field.value !== field.defaultValue);
  return Object.fromEntries(
    typed.flatMap(({ name, value, defaultValue }) => [[name, value], [name.replace("cell", "seen"), defaultValue]]),
  );
}

const valuesOf = (row) => Object.fromEntries(fieldsOf(row).map((field) => [field.name, field.value]));

/** Save `fields`, or what has been typed by the time that it is this one's turn. */
function save(row, fields = null) {
  saving.set(row.id, inTurn(saving.get(row.id), row.id, fields));
}

async function inTurn(before, id, fields) {
  await before;
  const row = document.getElementById(id);
  if (!row) return;
  const { value: version } = row.querySelector("input[name=version]");
  const [then, sent] = [valuesOf(row), fields ?? typedIn(row)];
  if (!Object.keys(sent).length) return;
  row.setAttribute("aria-busy", "true");
  const answer = await send(row.dataset.mend, { ...sent, version });
  row.removeAttribute("aria-busy");
  apply(row, answer, then);
}

/** Show the row as the server has it; what was typed since `then` stays. */
function apply(row, answer, then) {
  const made = answer.html?.querySelector("tr[data-mend]");
  if (!made) return void toast(answer.message, true);
  showToasts(answer.html);
  row.className = made.className;
  row.querySelector("input[name=version]").value = made.querySelector("input[name=version]").value;
  const fresh = new Map(fieldsOf(made).map((field) => [field.name, field]));
  for (const field of fieldsOf(row)) {
    const now = fresh.get(field.name);
    if (!now) continue;
    const isTyped = field.value !== then[field.name];
    const typed = field.value;
    field.defaultValue = now.defaultValue;
    field.value = isTyped ? typed : now.value;
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (now.hasAttribute(name)) field.setAttribute(name, now.getAttribute(name));
      else field.removeAttribute(name);
    }
    const [cell, other] = [field.closest("td"), now.closest("td")];
    cell.className = other.className;
    const reasons = ":scope > :is(.mend-why, .mend-line)";
    for (const old of cell.querySelectorAll(reasons)) old.remove();
    cell.append(...other.querySelectorAll(reasons));
  }
  row.querySelector(".mend-whole").replaceWith(made.querySelector(".mend-whole"));
}

// Enter, and the arrows, lead to the same cell of the next row, as in a sheet.
document.addEventListener("keydown", (event) => {
  const row = rowOf(event.target);
  if (!row || !event.target.matches("input[name^='cell-']") || event.isComposing) return;
  const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const rows = [...row.parentElement.rows];
  const next = rows[rows.indexOf(row) + step]?.querySelector(`[name='${event.target.name}']:not([type=hidden])`);
  if (next) {
    next.focus();
    next.select();
  } else {
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
