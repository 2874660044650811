// Small helpers. Text from the corpus only ever becomes text nodes or attribute values, never markup.
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(node.style, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
  return node;
}

const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const rgb = (colour) => `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
const number = (value) => (value === null ? "unknown" : value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 }));
const plain = (name) => name.replaceAll("_", " ");
const chip = (colour, text, shape = "") => el("span", { class: "chip" }, el("i", { class: shape, style: { background: colour, borderColor: colour } }), text);

// Facts as <dt>/<dd> pairs; a value that is missing leaves its line out.
function facts(list, pairs) {
  list.replaceChildren(...pairs.filter(([, v]) => v !== null && v !== undefined && v !== "").flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, String(v))]));
}

// A segmented control; choose(value) is called on every change.
function segments(holder, options, chosen, choose) {
  const buttons = options.map(({ value, label, key, hint }) =>
    el("button", { type: "button", role: "radio", "data-value": value, title: hint, "aria-checked": value === chosen, onclick: () => set(value) }, label, key ? el("kbd", {}, key) : null));
  function set(value) {
    for (const button of buttons) button.setAttribute("aria-checked", button.dataset.value === value);
    choose(value);
  }
  holder.replaceChildren(...buttons);
  return set;
}

// One tooltip for the whole page.
function tip(node, text) {
  const box = byId("tip");
  node.addEventListener("pointerenter", () => { box.textContent = text; box.hidden = false; });
  node.addEventListener("pointermove", (event) => {
    const left = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8);
    Object.assign(box.style, { left: `${Math.max(8, left)}px`, top: `${event.clientY + 18}px` });
  });
  node.addEventListener("pointerleave", () => { box.hidden = true; });
  return node;
}
