// Widths of columns: the right edge of a head is dragged, or Shift+Left and Shift+Right pressed in a head; a double
// click on the edge makes the column fit its content. Widths are rules of a style sheet, which swaps leave alone,
// and are stored like the order of the columns.

import * as grid from "./grid.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

const [NARROWEST, WIDEST, STEP, EDGE] = [48, 1200, 16, 10]; // pixels
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

/** The width of a column. A new width only takes effect at the next frame. */
const widthOf = (head) => Number(head.dataset.width ?? head.offsetWidth);

function draw() {
  const rules = [...grid.heads()].map(({ dataset: { width } }, index) => {
    const size = `width: ${width}px; min-width: ${width}px; max-width: ${width}px;`;
    return width ? `.records tr > :nth-child(${index + 1}) { ${size} }` : "";
  });
  sheet.replaceSync(`@media (min-width: 40.01rem) { ${rules.join("\n")} }`); // narrower screens have no columns
}

function resize(head, width) {
  if (width === null) delete head.dataset.width;
  else head.dataset.width = Math.round(Math.min(Math.max(width, NARROWEST), WIDEST));
  draw();
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

document.addEventListener("dblclick", (event) => {
  const head = headAt(event);
  if (!head) return;
  resize(head, null);
  keep(head);
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

document.addEventListener("tablekeep:grid", draw);
document.addEventListener("DOMContentLoaded", draw);
