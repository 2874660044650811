// Puts the page together and listens to the keyboard.
const DATA = JSON.parse(byId("data").textContent);

function startSummary() {
  byId("name").textContent = DATA.name;
  byId("story").textContent = DATA.story;
  byId("figures").append(...DATA.figures.map(([value, label]) => el("div", { class: "figure" }, el("b", {}, value), el("span", {}, label))));
  byId("coverage").append(...DATA.coverage.map(([label, have, of]) => {
    const kind = have === 0 ? "none" : have < of ? "some" : "all";
    return tip(el("span", { class: `label ${kind}` }, el("i"), label, el("small", {}, have < of && have > 0 ? share(have, of) : "")), `${number(have)} of ${number(of)}`);
  }));
}

function startAbout() {
  if (DATA.skipped.length) {
    const rows = DATA.skipped.map(([where, reason]) => el("tr", {}, el("td", {}, where), el("td", {}, reason)));
    const more = DATA.skippedMore ? el("p", {}, `and ${number(DATA.skippedMore)} more, listed in manifest.json`) : null;
    byId("skipped").append(el("div", { class: "card warn" }, el("h3", {}, `Skipped inputs (${number(DATA.skipped.length + DATA.skippedMore)})`), el("table", {}, el("tbody", {}, el("tr", {}, el("th", {}, "input"), el("th", {}, "why")), rows)), more));
  } else byId("skipped").append(el("p", { class: "muted" }, "No input was skipped."));
  byId("configuration").textContent = DATA.configuration;
  facts(byId("conventions"), DATA.conventions);
  facts(byId("packages"), DATA.packages);
  byId("partlist").append(...(DATA.parts.length ? DATA.parts.map(({ id, name, colour }) => chip(rgb(colour), `${id} ${plain(name)}`)) : [el("span", { class: "muted" }, "This corpus has no part labels.")]));
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  redraw();
  drawMinis();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]),select,textarea")) return;
  const actions = { j: () => byId("joints").click(), c: () => byId("closeup").click(), t: () => byId("theme").click() };
  if (/^[0-9]$/.test(event.key)) setLayer(Number(event.key));
  else if (actions[event.key]) actions[event.key]();
  else if (state.open >= 0 && event.key === "ArrowLeft") step(-1);
  else if (state.open >= 0 && event.key === "ArrowRight") step(1);
}

const preference = matchMedia("(prefers-color-scheme: dark)");
setTheme(preference.matches);
preference.addEventListener("change", (event) => setTheme(event.matches));
byId("theme").onclick = () => setTheme(document.documentElement.dataset.theme !== "dark");
document.addEventListener("keydown", onKey);
startSummary();
startGallery();
startLifted();
startSpace();
startCharts();
startAbout();
document.documentElement.dataset.ready = "yes";
