// From the address to panels: a study's domain, or the same domain of two studies beside each other.

function changes() {
  const [a, b] = domainsOf(state.domain);
  if (!a || !b) return make("p", { class: "note" }, `${state.domain} is in one of the two studies alone.`);
  const rows = [], flat = (value, path, out) => {
    if (value !== null && typeof value === "object") for (const [key, each] of Object.entries(value)) flat(each, path ? `${path}.${key}` : key, out);
    else out[path] = String(value);
    return out;
  };
  const [one, two] = [a, b].map((each) => flat(each.asked, "", {}));
  for (const key of [...new Set([...Object.keys(one), ...Object.keys(two)])]) {
    if (one[key] !== two[key]) rows.push([key, one[key] ?? "–", two[key] ?? "–"]);
  }
  const law = (each) => (each.withheld ? each.words.withheld : "not tested");
  const extra = [["runs", a.runs.rows.length, b.runs.rows.length], ["largest size", count(a.ladder.largest), count(b.ladder.largest)], ["withheld", law(a), law(b)], ["at its own target", a.words.star, b.words.star]];
  return make("section", {}, make("h2", {}, "What changed"), table("What changed", ["", ...payload.studies.map((study) => study.title)], [...rows, ...extra.map((r) => r.map(String))], "changes.csv"));
}

async function open(domain) {
  if (!domain || domain.ready) return;
  if (domain.law.law) domain.law.open = await openLaw(domain.law.law);
  if (domain.joint.law) domain.joint.open = await openLaw(domain.joint.law);
  domain.ready = true;
}

async function begin() {
  readAddress();
  const shown = domainsOf(state.domain), main = document.getElementById("answer");
  await Promise.all(shown.map(open));
  document.getElementById("domains").replaceChildren(...names.map((name) =>
    make("button", { type: "button", "data-domain": name, "aria-current": name === state.domain ? "true" : "false", onclick: () => { location.hash = kept[name] ?? `domain=${name}`; begin(); } }, name)));
  panels.length = 0;
  const two = payload.studies.length > 1;
  payload.studies.forEach((study, i) => {
    if (shown[i]) panels.push(panelOf(study, shown[i], two ? study.title : ""));
  });
  const grid = make("div", { class: two ? "panels two" : "panels" }, ...panels.map((panel) => panel.root));
  const controls = sliders(shown.find(Boolean));
  main.replaceChildren(...(two ? [controls, changes(), grid] : [grid]));
  if (!two) panels[0].root.children[0].after(make("h2", {}, "What if"), controls);
  render();
  for (const place of main.querySelectorAll(".panel > div")) place.show?.();
  document.body.dataset.ready = "true";
}

addEventListener("hashchange", () => { const before = JSON.stringify(state); readAddress(); if (JSON.stringify(state) !== before) begin(); });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; begin(); } });
for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", () => begin());
begin();
