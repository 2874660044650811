// What all pages share: the data, the summary at the top, links to the sections, light and dark.
const DATA = JSON.parse(byId("data").textContent);

// Whether a key is meant for the page, not for a field or the browser.
const isShortcut = (event) => !(event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]),select,textarea"));

// repaint() is called when the colours change.
function startShell(repaint) {
  const setTheme = (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; repaint(); };
  const preference = matchMedia("(prefers-color-scheme: dark)");
  setTheme(preference.matches);
  preference.addEventListener("change", (event) => setTheme(event.matches));
  byId("theme").onclick = () => setTheme(document.documentElement.dataset.theme !== "dark");
  document.addEventListener("keydown", (event) => { if (event.key === "t" && isShortcut(event)) byId("theme").click(); });
  for (const section of document.querySelectorAll("section[data-nav]")) byId("nav").append(el("a", { href: `#${section.id}` }, section.dataset.nav));
  startSummary();
}

function startSummary() {
  byId("name").textContent = DATA.name;
  byId("story").textContent = DATA.story;
  byId("figures").append(...DATA.figures.map(([value, label]) => el("div", { class: "figure" }, el("b", {}, value), el("span", {}, label))));
  byId("coverage").append(...(DATA.coverage || []).map(([label, have, of]) => {
    const kind = have === 0 ? "none" : have < of ? "some" : "all";
    return tip(el("span", { class: `label ${kind}` }, el("i"), label, el("small", {}, have < of && have > 0 ? share(have, of) : "")), `${number(have)} of ${number(of)}`);
  }));
}
