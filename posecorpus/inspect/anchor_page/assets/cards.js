// One card for each anchor. Only cards on the screen have anything on their canvases.
const look = { yaw: 35 * Math.PI / 180, own: new Map(), near: false, far: false, together: true, square: false, spin: false };
const list = { order: "population", words: [], like: -1, shown: [] };
const cards = [];
const onScreen = new Set();
const MOST = { count: Math.max(...BANK.counts, 1), spread: Math.max(...BANK.spreadMm, 1e-9), farthest: Math.max(...BANK.farthestMm, 1e-9) };
const mm = (value) => `${number(Math.round(value))} mm`;
const yawOf = (place) => look.yaw + (look.own.get(place) || 0);

function buildCard(place) {
  const [flat, solid] = [["flat", "2D pose in its box, click to enlarge"], ["solid", "3D pose, drag to turn, click to enlarge"]].map(([name, title]) =>
    el("canvas", { class: name, title, role: "img", "aria-label": `#${BANK.number[place]}: ${title}` }));
  const measure = (label, value, most) => el("span", { class: "measure" }, label, el("b", {}, mm(value)), meter(value / most));
  const card = el("article", { class: "anchor card", "data-place": place },
    el("header", {}, el("button", { type: "button", class: "name", title: "Enlarge", onclick: () => openFocus(place) }, `#${BANK.number[place]}`),
      el("span", { class: "facing" }, BANK.words[place]), el("span", { class: "count" }, el("b", {}, number(BANK.counts[place])), ` ${share(BANK.counts[place], DATA.total)}`)),
    meter(BANK.counts[place] / MOST.count, "population"),
    el("div", { class: "poses" }, flat, solid),
    el("div", { class: "measures" }, measure("spread ", BANK.spreadMm[place], MOST.spread), measure("farthest ", BANK.farthestMm[place], MOST.farthest)),
    el("p", { class: "members" }, member("near", BANK.nearNames[place]), member("far", BANK.farNames[place])));
  flat.onclick = () => openFocus(place);
  onDrag(solid, (dx) => turnBy(place, -0.012 * dx), () => openFocus(place));
  return card;
}

const meter = (part, kind = "") => el("i", { class: `meter ${kind}` }, el("i", { style: { width: `${Math.max(0, Math.min(100, 100 * part)).toFixed(2)}%` } }));
const member = (kind, name) => el("span", { class: "member", title: `${kind === "near" ? "nearest" : "farthest"} member: ${name}` }, el("i", { class: kind }), name);

// move(dx, dy) while the pointer is down; a press that does not move is a click.
function onDrag(canvas, move, click = () => {}) {
  let last = null;
  let way = 0;
  canvas.addEventListener("pointerdown", (event) => { last = [event.clientX, event.clientY]; way = 0; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]];
    last = [event.clientX, event.clientY];
    way += Math.abs(dx) + Math.abs(dy);
    move(dx, dy);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
  canvas.addEventListener("click", () => { if (way < 5) click(); });
}

function turnBy(place, angle) {
  if (look.together) look.yaw += angle;
  else look.own.set(place, (look.own.get(place) || 0) + angle);
  showTurn();
  repaint();
}

const showTurn = () => { byId("turn").value = String(Math.round(((look.yaw * 180 / Math.PI + 180) % 360 + 360) % 360 - 180)); };

// All canvases of all cards are of one size, for the columns are.
function paintCards(some) {
  if (!some.length) return;
  const size = sizeOf(some[0].querySelector(".flat"));
  for (const card of some) {
    const place = Number(card.dataset.place);
    drawFlat(card.querySelector(".flat"), size, place, look.square);
    drawSolid(card.querySelector(".solid"), size, place, yawOf(place), look);
  }
}

let pending = false;
function repaint() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; paintCards([...onScreen]); paintFocus(); });
}

// A canvas that leaves the screen gives its memory back.
const watcher = new IntersectionObserver((entries) => {
  const come = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) { onScreen.add(target); continue; }
    if (onScreen.delete(target)) for (const canvas of target.querySelectorAll("canvas")) Object.assign(canvas, { width: 0, height: 0 });
  }
  paintCards(come);
}, { rootMargin: "200px" });

const by = (values, sign) => () => BANK.number.map((_, place) => place).sort((a, b) => sign * (values[a] - values[b]) || a - b);
const ORDERS = {
  population: ["Population, largest first", by(BANK.counts, -1)],
  rare: ["Population, smallest first", by(BANK.counts, 1)],
  spread: ["Spread, largest first", by(BANK.spreadMm, -1)],
  tight: ["Spread, smallest first", by(BANK.spreadMm, 1)],
  farthest: ["Farthest member, largest first", by(BANK.farthestMm, -1)],
  closest: ["Farthest member, smallest first", by(BANK.farthestMm, 1)],
  similarity: ["Pose similarity: alike side by side", () => BANK.order],
  number: ["Number", () => BANK.number.map((_, place) => place)],
};

const HAY = BANK.number.map((n, place) => [`#${n}`, BANK.words[place], BANK.nearNames[place], BANK.farNames[place]].join("\n").toLowerCase());
const matches = (place) => list.words.every((word) => (/^#\d+$/.test(word) ? word === `#${BANK.number[place]}` : HAY[place].includes(word)));

function arrange() {
  const places = list.order === "like" ? byLikeness(list.like) : ORDERS[list.order][1]();
  list.shown = places.filter(matches);
  byId("cards").replaceChildren(...list.shown.map((place) => cards[place]));
  byId("shown").textContent = list.shown.length === COUNT && !DATA.leftOut ? number(COUNT) : `${number(list.shown.length)} of ${number(COUNT + DATA.leftOut)}`;
  byId("none").hidden = list.shown.length > 0;
}

function sortLike(place) {
  list.like = place;
  byId("order").querySelector("[value=like]")?.remove();
  byId("order").append(el("option", { value: "like" }, `Likeness to #${BANK.number[place]}`));
  byId("order").value = list.order = "like";
  arrange();
}

function startCards() {
  cards.push(...BANK.number.map((_, place) => buildCard(place)));
  cards.forEach((card) => watcher.observe(card));
  new ResizeObserver(repaint).observe(byId("cards"));
  byId("order").append(...Object.entries(ORDERS).map(([value, [label]]) => el("option", { value }, label)));
  byId("order").onchange = (event) => { list.order = event.target.value; arrange(); };
  byId("filter").oninput = (event) => { list.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean); arrange(); };
  arrange();
}
