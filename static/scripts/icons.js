// Icons drawn by scripts, from the same sprite as the page's icons.

/** A Tabler icon. Only decoration: its meaning is also given in words. */
export function iconOf(name) {
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
