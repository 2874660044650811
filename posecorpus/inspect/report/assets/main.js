// Puts the page together and listens to the keyboard.
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

function onKey(event) {
  if (!isShortcut(event)) return;
  const actions = { j: () => byId("joints").click(), c: () => byId("closeup").click() };
  if (/^[0-9]$/.test(event.key)) setLayer(Number(event.key));
  else if (actions[event.key]) actions[event.key]();
  else if (state.open >= 0 && event.key === "ArrowLeft") step(-1);
  else if (state.open >= 0 && event.key === "ArrowRight") step(1);
}

document.addEventListener("keydown", onKey);
startShell(() => { redraw(); drawMinis(); });
startGallery();
startLifted();
startSpace();
startCharts();
startAbout();
document.documentElement.dataset.ready = "yes";
