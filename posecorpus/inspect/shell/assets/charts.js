// Charts: each takes numbers and returns one element.
const CHARTS = { histogram, constant, bars, rose, ridges, scatter, heat, versus, curve };
const WIDTH = 340;
const SERIES = ["var(--bar)", "var(--bar2)", "var(--bar3)"];
const GROUPS = ["#4c8fd6", "#e8791a", "#46a846", "#c45bd0", "#d4a017", "#e5484d", "#2aa7a0", "#8a6fe8"];
const groupColour = (name, i) => (name === "other" ? "#98a2b0" : GROUPS[i % GROUPS.length]);
const share = (part, whole) => `${(100 * part / Math.max(whole, 1)).toFixed(1)} %`;

// Round axis marks: at most `wanted` steps of 1, 2 or 5 times a power of ten.
function ticks(from, to, wanted = 5) {
  const raw = (to - from) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
  const marks = [];
  for (let v = Math.ceil(from / step) * step; v <= to + step * 1e-6; v += step) marks.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return marks;
}

// Degrees on a circle as a hue; what has no direction is grey.
const directionColour = (degrees) => (degrees === null ? "var(--muted)" : `hsl(${Math.round(degrees + 210) % 360} 55% 55%)`);

function axis(chart, from, to, height, unit) {
  const at = (value) => 6 + (WIDTH - 12) * (value - from) / (to - from || 1);
  chart.append(svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: height, y2: height }));
  for (const mark of ticks(from, to)) chart.append(svg("text", { x: at(mark), y: height + 15, "text-anchor": "middle" }, number(mark)));
  chart.append(svg("text", { x: WIDTH, y: height + 30, "text-anchor": "end" }, unit));
  return at;
}

function histogram({ edges, counts, unit }) {
  const height = 120;
  const chart = svg("svg", { class: "chart", viewBox: `0 -6 ${WIDTH} ${height + 40}` });
  const at = axis(chart, edges[0], edges[edges.length - 1], height, unit);
  const top = Math.max(...counts, 1);
  const total = counts.reduce((a, b) => a + b, 0);
  counts.forEach((count, i) => {
    if (!count) return;
    const tall = Math.max(1.5, height * count / top);
    chart.append(tip(svg("rect", { class: "bar", x: at(edges[i]) + 0.5, y: height - tall, width: Math.max(1, at(edges[i + 1]) - at(edges[i]) - 1), height: tall, rx: 1.5 }),
      `${number(edges[i])} to ${number(edges[i + 1])} ${unit}: ${number(count)} (${share(count, total)})`));
  });
  return chart;
}

// A quantity that never varies needs no axes.
function constant({ value, unit }) {
  return el("div", { class: "constant" }, el("b", {}, number(value)), ` ${unit}, always`);
}

function bars({ items, series, total, mark }) {
  const most = total || Math.max(...items.map((item) => item.values.reduce((a, b) => a + b, 0)), 1);
  const grid = el("div", { class: "bars" });
  for (const { label, values, colour } of items) {
    const whole = total || values.reduce((a, b) => a + b, 0);
    const track = el("div", { class: "track" }, values.map((value, i) =>
      tip(el("i", { style: { width: `${100 * value / most}%`, background: colour ? rgb(colour) : SERIES[i] } }), `${label}${series ? `, ${series[i]}` : ""}: ${number(value)}${total ? ` (${share(value, whole)})` : ""}`)));
    if (mark) track.append(el("b", { style: { left: `${100 * mark / most}%` } }));
    grid.append(el("span", { class: "name", title: label }, label), track, el("span", { class: "amount" }, total ? share(values[0], total) : number(whole)));
  }
  const keys = series ? el("div", { class: "keys" }, series.map((name, i) => chip(SERIES[i], name))) : null;
  return el("div", {}, keys, grid);
}

// Directions on a circle: index 0 faces the camera and is drawn downwards, towards the reader.
// turned: each direction has the colour that directionColour gives it.
function rose({ counts, labels, turned }) {
  const chart = svg("svg", { class: "chart", viewBox: "-150 -118 300 236" });
  const top = Math.max(...counts, 1);
  const total = counts.reduce((a, b) => a + b, 0);
  const ray = (turn, radius) => [radius * Math.sin(turn), radius * Math.cos(turn)];
  for (const part of [0.5, 1]) chart.append(svg("circle", { class: "axis", r: 12 + 84 * part, fill: "none" }));
  counts.forEach((count, i) => {
    const radius = 12 + 84 * Math.sqrt(count / top);
    const [a, b] = [(i - 0.46) * 2 * Math.PI / counts.length, (i + 0.46) * 2 * Math.PI / counts.length];
    const path = `M${ray(a, 12)}L${ray(a, radius)}A${radius} ${radius} 0 0 0 ${ray(b, radius)}L${ray(b, 12)}Z`;
    chart.append(tip(svg("path", { class: "bar", d: path, style: turned ? { fill: directionColour(i * 360 / counts.length) } : {} }), `${number(i * 360 / counts.length)}°: ${number(count)} (${share(count, total)})`));
  });
  [[0, 112, "middle"], [102, 4, "start"], [0, -104, "middle"], [-102, 4, "end"]].forEach(([x, y, anchor], i) =>
    chart.append(svg("text", { x, y, "text-anchor": anchor }, labels[i])));
  return chart;
}

// One smooth outline for each joint, on one axis; left and right of a pair overlap.
function ridges({ edges, rows, unit }) {
  const step = 44;
  const height = rows.length * step + 8;
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height + 36}` });
  const at = axis(chart, edges[0], edges[edges.length - 1], height, unit);
  rows.forEach(({ label, lines }, i) => {
    const base = (i + 1) * step;
    const top = Math.max(...lines.flatMap((line) => line.counts), 1);
    for (const { side, counts, median } of lines) {
      const outline = counts.map((count, k) => `${at((edges[k] + edges[k + 1]) / 2).toFixed(1)} ${(base - 36 * count / top).toFixed(1)}`);
      const path = `M${at(edges[0])} ${base}L${outline.join("L")}L${at(edges[edges.length - 1])} ${base}Z`;
      chart.append(tip(svg("path", { d: path, class: side, "fill-opacity": 0.55 }), `${label}${{ l: ", left", r: ", right", m: "" }[side]}: median ${number(median)}${unit === "degrees" ? "°" : ` ${unit}`}`));
    }
    chart.append(svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: base, y2: base }), svg("text", { x: WIDTH, y: base - 26, "text-anchor": "end" }, label));
  });
  return chart;
}

function scatter({ points, groups }) {
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = 330;
  const chart = svg("svg", { class: "chart", viewBox: `-6 -6 ${size + 12} ${size + 12}` });
  const place = (v, from, to) => size * (v - from) / (to - from || 1);
  for (const [x, y, group, picture] of points) {
    const dot = svg("circle", { class: picture < 0 ? null : "dot", cx: place(x, x0, x1).toFixed(1), cy: place(y, y0, y1).toFixed(1), r: picture < 0 ? 2 : 4.2, fill: groupColour(groups[group], group), "fill-opacity": picture < 0 ? 0.55 : 1, stroke: picture < 0 ? "none" : "var(--ink)" });
    if (picture >= 0) dot.addEventListener("click", () => openSample(picture));
    chart.append(tip(dot, groups[group] + (picture < 0 ? "" : ` (sample ${DATA.samples[picture].key}, click to open)`)));
  }
  return el("div", {}, el("div", { class: "keys" }, groups.map((name, i) => chip(groupColour(name, i), name, "disc"))), chart);
}

// Two quantities on one scale, with the diagonal on which they agree.
function versus({ dots, curves, axes }) {
  const size = 300;
  const values = [...dots, ...curves.flatMap((curve) => curve.points)].flatMap(([x, y]) => [x, y]).sort((a, b) => a - b);
  const top = 1.04 * Math.max(values[Math.min(values.length - 1, Math.ceil(values.length * 0.995))] || 0, 1e-6);
  const chart = svg("svg", { class: "chart", viewBox: `-34 -8 ${size + 44} ${size + 46}` });
  const [across, down] = [(v) => size * Math.min(v, top) / top, (v) => size - size * Math.min(v, top) / top];
  for (const at of ticks(0, top)) {
    chart.append(svg("line", { class: "axis", x1: across(at), x2: across(at), y1: 0, y2: size }), svg("line", { class: "axis", x1: 0, x2: size, y1: down(at), y2: down(at) }));
    chart.append(svg("text", { x: across(at), y: size + 15, "text-anchor": "middle" }, number(at)), svg("text", { x: -5, y: down(at) + 4, "text-anchor": "end" }, number(at)));
  }
  chart.append(svg("line", { class: "diagonal", x1: 0, y1: size, x2: size, y2: 0 }));
  for (const [x, y, picture] of dots) {
    const dot = svg("circle", { class: picture < 0 ? null : "dot", cx: across(x).toFixed(1), cy: down(y).toFixed(1), r: picture < 0 ? 2 : 4.2, fill: "var(--bar)", "fill-opacity": picture < 0 ? 0.55 : 1, stroke: picture < 0 ? "none" : "var(--ink)" });
    if (picture >= 0) dot.addEventListener("click", () => openSample(picture));
    chart.append(tip(dot, `predicted ${number(x)}, measured ${number(y)}` + (picture < 0 ? "" : ` (sample ${DATA.samples[picture].key}, click to open)`)));
  }
  curves.forEach(({ name, points }, i) => {
    chart.append(svg("polyline", { points: points.map(([x, y]) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`).join(" "), fill: "none", stroke: GROUPS[i], "stroke-width": 2.5 }));
    for (const [x, y, count] of points) chart.append(tip(svg("circle", { cx: across(x).toFixed(1), cy: down(y).toFixed(1), r: 4, fill: GROUPS[i] }), `${name}: predicted ${number(x)}, measured ${number(y)} (${number(count)} people)`));
  });
  chart.append(svg("text", { x: size, y: size + 30, "text-anchor": "end" }, axes[0]), svg("text", { x: 4, y: 10 }, axes[1]));
  return el("div", {}, curves.length ? el("div", { class: "keys" }, curves.map(({ name }, i) => chip(GROUPS[i], name, "disc"))) : null, chart);
}

// One quantity against another, both from zero; a line marks where we are.
function curve({ points, unit, name, here }) {
  const height = 122;
  const chart = svg("svg", { class: "chart", viewBox: `0 -8 ${WIDTH} ${height + 42}` });
  const [right, top] = [1.04 * Math.max(...points.map((p) => p[0])), 1.06 * Math.max(...points.map((p) => p[1]), 1e-9)];
  const down = (value) => height * (1 - value / top);
  for (const mark of ticks(0, top, 4)) chart.append(svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: down(mark), y2: down(mark) }));
  const across = axis(chart, 0, right, height, unit);
  if (here) chart.append(svg("line", { class: "diagonal", x1: across(here), x2: across(here), y1: 0, y2: height }));
  chart.append(svg("polyline", { points: points.map(([x, y]) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`).join(" "), fill: "none", stroke: "var(--bar)", "stroke-width": 2.5, "stroke-linejoin": "round" }));
  for (const [x, y] of points) chart.append(tip(svg("circle", { cx: across(x).toFixed(1), cy: down(y).toFixed(1), r: x === here ? 6 : 4, fill: x === here ? "var(--accent)" : "var(--bar)", stroke: "var(--card)", "stroke-width": 2 }), `${number(x)} ${unit}: ${name} ${number(y)}`));
  for (const mark of ticks(0, top, 4)) if (mark) chart.append(svg("text", { x: 0, y: down(mark) - 4 }, number(mark)));
  return chart;
}

function heat({ grid }) {
  const [rows, columns] = [grid.length, grid[0].length];
  const top = Math.max(...grid.flat(), 1);
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${columns * 10} ${rows * 10}` }, svg("rect", { width: columns * 10, height: rows * 10, fill: "var(--soft)", rx: 3 }));
  grid.forEach((row, r) => row.forEach((count, c) => {
    if (count) chart.append(tip(svg("rect", { x: c * 10, y: r * 10, width: 10, height: 10, fill: "var(--accent)", "fill-opacity": 0.08 + 0.92 * Math.sqrt(count / top) }), `${number(count)} people`));
  }));
  return chart;
}

function startCharts() {
  byId("basis").textContent = DATA.basis;
  byId("charts").append(...DATA.charts.map((chart) =>
    el("div", { class: "card", "data-chart": chart.title }, el("small", {}, chart.group), el("h3", {}, chart.title), el("p", {}, chart.note), CHARTS[chart.type](chart))));
}
