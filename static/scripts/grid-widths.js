// Widths of columns: the right edge of a head is dragged, or Shift+Left and Shift+Right pressed in a head; a double
// click on the edge makes the column fit its content. Widths are rules of a style sheet, which swaps leave alone,
// and are stored like the order of the columns.
//
// A column without a width of its own keeps the one that it was first shown with, so that nothing moves when other
// records are shown. Texts that are wider are cut off, with a tooltip; numbers and dates never are.

import * as grid from "./grid.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

const [NARROWEST, WIDEST, STEP, EDGE] = [48, 1200, 16, 10]; // pixels
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

/** The width of a column. A new width only takes effect at the next frame. */
const widthOf = (head) => Number(head.dataset.width ?? head.offsetWidth);

const kept = new Map(); // by column, in pixels
let shownIn = ""; // the columns and the room for which these are
let drawn = "";

function draw() {
  const heads = [...grid.heads()];
  const open = heads.findLastIndex((head) => !head.dataset.width && !head.matches(".cell-id"));
  const rules = heads.map((head, index) => {
    const { column, width } = head.dataset;
    const size = width ?? kept.get(column);
    if (!size) return "";
    const isCut = width || head.matches(".cell-text, .cell-json, .cell-chips");
    const most = isCut ? `max-width: ${size}px;` : "max-width: none;";
    const fixed = index === open ? "" : `width: ${size}px;`; // one takes what is left
    return `.records tr > :nth-child(${index + 1}) { ${fixed} min-width: ${size}px; ${most} }`;
  });
  // Narrower screens have no columns, and paper has a width of its own.
  const text = `@media screen and (min-width: 40.01rem) { ${rules.join("\n")} }`;
  if (text === drawn) return; // a style sheet that is replaced has every cell looked at again
  drawn = text;
  sheet.replaceSync(text);
}

let measuring = 0;
/** Draw, and keep the widths of columns that are new. */
function settle() {
  const columns = [...grid.heads()].map(({ dataset }) => dataset.column);
  const room = [innerWidth, ...columns].join();
  if (room !== shownIn) kept.clear();
  shownIn = room;
  draw();
  cancelAnimationFrame(measuring);
  if (columns.every((column) => kept.has(column))) return;
  measuring = requestAnimationFrame(() => { // what was drawn takes effect at the next frame
    for (const head of grid.heads()) {
      if (!kept.has(head.dataset.column)) kept.set(head.dataset.column, head.getBoundingClientRect().width);
    }
    draw();
  });
}

function resize(head, width) {
  if (width === null) delete head.dataset.width;
  else head.dataset.width = Math.round(Math.min(Math.max(width, NARROWEST), WIDEST));
  kept.clear(); // the others share what is left
  settle();
}

let keeping;
/** Store the width, once it no longer changes. */
function keep(head) {
  const [key, width] = [head.dataset.column.slice(1), head.dataset.width ?? ""];
  clearTimeout(keeping);
  keeping = setTimeout(async () => {
    const { message } = await send(`${location.pathname}columns/`, { do: `width-${key}`, width });
    if (message) toast(message, true);
  }, 300);
}

/** The head whose right edge the pointer is on. */
function headAt(event) {
  const head = event.target.closest?.("#grid thead th:not(.cell-id)");
  return head && head.getBoundingClientRect().right - event.clientX <= EDGE && event.target === head ? head : null;
}

document.addEventListener("pointerdown", (event) => {
  const head = event.button === 0 ? headAt(event) : null;
  if (!head) return;
  event.preventDefault();
  const [from, width, before] = [event.clientX, widthOf(head), head.dataset.width];
  head.classList.add("is-resized");
  head.setPointerCapture(event.pointerId);
  const move = ({ clientX }) => {
    if (clientX !== from || head.dataset.width !== before) resize(head, width + clientX - from);
  };
  head.addEventListener("pointermove", move);
  head.addEventListener("lostpointercapture", () => {
    head.removeEventListener("pointermove", move);
    head.classList.remove("is-resized");
    if (head.dataset.width !== before) keep(head);
  }, { once: true });
});

/** Make a column as wide as its content. */
export function fit(head) {
  resize(head, null);
  keep(head);
}

document.addEventListener("dblclick", (event) => {
  const head = headAt(event);
  if (head) fit(head);
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
  const head = grid.cellAimedAt(event);
  if (!step || head?.tagName !== "TH" || !event.shiftKey || head.matches(".cell-id")) return;
  event.preventDefault();
  resize(head, widthOf(head) + step);
  head.scrollIntoView({ block: "nearest", inline: "nearest" });
  grid.say(`${head.innerText.trim()}: ${head.dataset.width} pixels wide`);
  keep(head);
});

document.addEventListener("tablekeep:grid", settle);
document.addEventListener("DOMContentLoaded", () => document.fonts.ready.then(settle));
window.addEventListener("resize", () => document.fonts.ready.then(settle));

document.addEventListener("mouseover", ({ target }) => {
  if (target.matches?.("#grid tbody td:not([title])") && target.scrollWidth > target.clientWidth) {
    target.title = target.textContent;
  }
});
