// One anchor, large.
const focus = { place: -1, yaw: 0, pitch: BASE_VIEW.pitch, zoom: 1 };

function openFocus(place) {
  Object.assign(focus, { place, yaw: yawOf(place), pitch: BASE_VIEW.pitch, zoom: 1 });
  byId("focusname").textContent = `Anchor #${BANK.number[place]}`;
  const upper = ARRAYS.upper2d ? ` and ${BANK.number[place] + COUNT + DATA.leftOut} (upper body)` : "";
  facts(byId("focusfacts"), [
    ["Class", `${BANK.number[place]}${upper}`],
    ["Population", `${number(BANK.counts[place])} (${share(BANK.counts[place], DATA.total)})`],
    ["Spread", mm(BANK.spreadMm[place])],
    ["Farthest", mm(BANK.farthestMm[place])],
    ["Seen", BANK.words[place] + (BANK.facing[place] === null ? "" : ` (${Math.round(BANK.facing[place])}°)`)],
    ["Nearest member", BANK.nearNames[place]],
    ["Farthest member", BANK.farNames[place]],
  ]);
  byId("alike").replaceChildren(...byLikeness(place).slice(1, 7).map((other) => {
    const canvas = el("canvas", { "data-place": other });
    return el("button", { type: "button", onclick: () => openFocus(other) }, canvas, `#${BANK.number[other]}`, el("small", {}, mm(apartMm(place, other))));
  }));
  const place1 = list.shown.indexOf(place);
  byId("previous").disabled = place1 <= 0;
  byId("next").disabled = place1 < 0 || place1 === list.shown.length - 1;
  if (!byId("focus").open) byId("focus").showModal();
  repaint();
}

function stepFocus(by) {
  const next = list.shown[list.shown.indexOf(focus.place) + by];
  if (next !== undefined) openFocus(next);
}

function paintFocus() {
  if (!byId("focus").open) return;
  const alike = [...byId("alike").querySelectorAll("canvas")];
  const [large, flat, small] = [byId("view"), byId("focusflat"), alike[0]].map((canvas) => canvas && sizeOf(canvas));
  drawSolid(byId("view"), large, focus.place, focus.yaw, { ...look, pitch: focus.pitch, zoom: focus.zoom });
  drawFlat(byId("focusflat"), flat, focus.place, look.square);
  for (const canvas of alike) drawSolid(canvas, small, Number(canvas.dataset.place), focus.yaw, {});
}

function turnFocus(yaw, pitch) {
  focus.yaw += yaw;
  focus.pitch = Math.min(UP_LIMIT, Math.max(-UP_LIMIT, focus.pitch + pitch));
  repaint();
}

function startFocus() {
  const view = byId("view");
  onDrag(view, (dx, dy) => turnFocus(-0.01 * dx, 0.01 * dy));
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    focus.zoom = Math.min(3, Math.max(0.3, focus.zoom * Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.002)));
    repaint();
  }, { passive: false });
  view.addEventListener("dblclick", () => { Object.assign(focus, { yaw: look.yaw, pitch: BASE_VIEW.pitch, zoom: 1 }); repaint(); });
  view.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08] }[event.key];
    if (!turn) return;
    event.preventDefault();
    event.stopPropagation();
    turnFocus(...turn);
  });
  byId("previous").onclick = () => stepFocus(-1);
  byId("next").onclick = () => stepFocus(1);
  byId("close").onclick = () => byId("focus").close();
  byId("focus").addEventListener("close", () => { focus.place = -1; });
  byId("focusnear").onclick = () => byId("near").click();
  byId("focusfar").onclick = () => byId("far").click();
  byId("sortalike").onclick = () => { const { place } = focus; byId("focus").close(); sortLike(place); byId("anchors").scrollIntoView(); };
  new ResizeObserver(repaint).observe(view);
}
