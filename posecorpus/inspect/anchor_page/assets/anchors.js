// Puts the page together and listens to the toolbar and the keyboard.
CHARTS.map = anchorMap;
CHARTS.parts = ({ parts }) => el("div", { class: "parts" }, parts.map((part) => el("div", {}, el("p", {}, part.note), part.type ? CHARTS[part.type](part) : null)));

function anchorMap() {
  const [width, height] = [320, 210];
  const spans = [0, 1].map((k) => [Math.min(...BANK.map.map((p) => p[k])), Math.max(...BANK.map.map((p) => p[k]), 1e-6)]);
  const unit = Math.min((width - 24) / (spans[0][1] - spans[0][0] || 1), (height - 24) / (spans[1][1] - spans[1][0] || 1));
  const across = (x) => width / 2 + unit * (x - (spans[0][0] + spans[0][1]) / 2);
  const down = (y) => height / 2 - unit * (y - (spans[1][0] + spans[1][1]) / 2);
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}` });
  const largestFirst = BANK.number.map((_, place) => place).sort((a, b) => BANK.counts[b] - BANK.counts[a]);
  const most = Math.min(11, 60 / Math.sqrt(COUNT) + 2.5);
  for (const place of largestFirst) {
    const [x, y] = BANK.map[place];
    const radius = Math.max(1.5, most * Math.sqrt(BANK.counts[place] / MOST.count));
    const dot = svg("circle", { class: "dot", "data-place": place, cx: across(x).toFixed(1), cy: down(y).toFixed(1), r: radius.toFixed(1), fill: directionColour(BANK.facing[place]), "fill-opacity": 0.8, stroke: "var(--card)", "stroke-width": 0.7 });
    dot.addEventListener("click", () => openFocus(place));
    chart.append(tip(dot, `#${BANK.number[place]}: ${number(BANK.counts[place])} poses${BANK.words[place] ? `, ${BANK.words[place]}` : ""}`));
  }
  return chart;
}

function toggle(name, also = []) {
  const buttons = [name, ...also].map(byId);
  buttons[0].onclick = () => {
    look[name] = !look[name];
    for (const button of buttons) button.setAttribute("aria-pressed", look[name]);
    repaint();
  };
}

function spin(before) {
  requestAnimationFrame((now) => {
    if (!look.spin) return;
    const angle = before ? 0.0007 * Math.min(now - before, 100) : 0;
    look.yaw += angle;
    focus.yaw += angle;
    showTurn();
    repaint();
    spin(now);
  });
}

function startToolbar() {
  toggle("near", ["focusnear"]);
  toggle("far", ["focusfar"]);
  toggle("together");
  toggle("spin");
  byId("spin").addEventListener("click", () => { if (look.spin) spin(0); });
  byId("turn").oninput = (event) => { look.yaw = Number(event.target.value) * Math.PI / 180; look.own.clear(); repaint(); };
  segments(byId("units"), [
    { value: "seen", label: "As seen", hint: "2D boxes in the shape of the person's" },
    { value: "square", label: "Unit box", hint: "2D boxes as unit squares, the units of the data" },
  ], "seen", (value) => { look.square = value === "square"; repaint(); });
  const line1 = (kind, text) => el("span", { class: "chip member" }, el("i", { class: kind }), text);
  byId("legend").append(chip("var(--right)", "right side"), chip("var(--left)", "left side"), line1("near", "nearest member"), line1("far", "farthest member"),
    el("span", {}, ARRAYS.upper2d ? "2D of the full body, 2D of the upper body, 3D" : "2D, 3D"), el("span", {}, "Drag a 3D pose to turn it; the tick on the disc points at the camera"));
  document.addEventListener("keydown", (event) => {
    if (!isShortcut(event)) return;
    const button = { n: "near", f: "far", a: "together", s: "spin" }[event.key];
    if (button) byId(button).click();
    if (focus.place >= 0 && event.key === "ArrowLeft") stepFocus(-1);
    if (focus.place >= 0 && event.key === "ArrowRight") stepFocus(1);
  });
}

function startAbout() {
  facts(byId("facts"), DATA.facts);
  const more = DATA.sourcesMore ? el("p", { class: "muted" }, `and ${number(DATA.sourcesMore)} more`) : null;
  byId("sources").append(el("table", {}, el("tbody", {}, el("tr", {}, el("th", {}, "source"), el("th", {}, "poses")), DATA.sources.map(([name, count]) => el("tr", {}, el("td", {}, name), el("td", {}, number(count)))))));
  if (more) byId("sources").append(more);
}

readColours();
startShell(() => { readColours(); repaint(); });
startCards();
startFocus();
startToolbar();
startCharts();
startAbout();
document.documentElement.dataset.ready = "yes";
