// Several choices in the grid: a group of checkboxes (choice_inputs.py) that looks to the editor like any other field.
// Its value is the text of a list as editors have it, and it can be focused.

const lists = new WeakSet();

/** Give a group its value and its focus. Those chosen first stay first. */
export function enhance(group) {
  const boxes = [...group.querySelectorAll("input")];
  let order = [];
  const isTicked = (item) => boxes.some((box) => box.checked && box.value === item);
  Object.defineProperty(group, "value", {
    get() {
      const kept = order.filter(isTicked);
      const added = boxes.map((box) => box.value).filter((item) => isTicked(item) && !kept.includes(item));
      const chosen = [...kept, ...added];
      return chosen.length ? JSON.stringify(chosen) : "";
    },
    set(text) {
      order = itemsOf(text);
      for (const box of boxes) box.checked = order.includes(box.value);
    },
  });
  group.focus = () => (boxes.find((box) => box.checked) ?? boxes[0])?.focus();
  group.addEventListener("mousedown", (event) => event.preventDefault()); // a click on a word keeps the focus
  group.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    boxes[(boxes.indexOf(document.activeElement) + step + boxes.length) % boxes.length].focus();
  });
  lists.add(group);
}

/** Whether a field is a group of checkboxes. */
export const isOne = (input) => lists.has(input);

/** The texts of a list as the server writes it: one a line, or JSON. */
export function itemsOf(text) {
  if (text.startsWith("[")) {
    try {
      return JSON.parse(text);
    } catch {
      // it is a line
    }
  }
  return text === "" ? [] : text.split("\n");
}

/** Focus the first box whose words begin with what was typed. */
export function seek(group, typed) {
  const begins = (label) => label.textContent.trim().toLowerCase().startsWith(typed.toLowerCase());
  [...group.querySelectorAll("label")].find(begins)?.querySelector("input").focus();
}

/** What a cell shows while a field's value is being saved. */
export function wordsOf(input) {
  if (isOne(input)) return itemsOf(input.value).join(", ");
  return input.matches("select") ? input.selectedOptions[0]?.text : input.value;
}
