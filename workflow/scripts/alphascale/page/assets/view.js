// The page: what was asked (address, sliders), the panels that show a decision, and how one becomes
// the other. `state` is all that is asked; the address holds what differs from the study.

const payload = JSON.parse(document.getElementById("payload").textContent);
const state = {};
const panels = [];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const domainsOf = (name) => payload.studies.map((study) => study.domains.find((each) => each.name === name));
const names = [...new Set(payload.studies.flatMap((study) => study.domains.map((each) => each.name)))];

// What a domain was decided at; the sliders begin there, and the address leaves it out.
function defaults(name) {
  const domain = domainsOf(name).find(Boolean), costs = domain.costs;
  return {
    target: domain.target.fitted, confidence: domain.target.confidence, carbon: costs.carbon_g_per_kwh,
    kwhPrice: costs.price_per_kwh, hourly: costs.price_per_hour, label: costs.price_per_label, requests: 0,
  };
}

// The address: `#domain=tabular&target=0.05&carbon=56`.
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const name = names.includes(given.get("domain")) ? given.get("domain") : names[0];
  Object.assign(state, { domain: name, view: "error", ...defaults(name) });
  for (const key of ["target", "confidence", "carbon", "kwhPrice", "hourly", "label", "requests"]) {
    const value = Number(given.get(key));
    if (given.has(key) && Number.isFinite(value) && value >= 0) state[key] = value;
  }
  if (!(state.target > 0)) state.target = defaults(name).target;
  state.confidence = clip(state.confidence, 0.5, 0.99);
  if (["error", "metric", "loss"].includes(given.get("view"))) state.view = given.get("view");
}

function writeAddress() {
  const usual = { ...defaults(state.domain), view: "error" }, out = new URLSearchParams({ domain: state.domain });
  for (const [key, value] of Object.entries(state)) {
    if (key !== "domain" && value !== usual[key] && value !== null) out.set(key, value);
  }
  history.replaceState(null, "", `#${out}`);
}

// Sentences ------------------------------------------------------------------------------------

const sizeText = (size) => Object.entries(size).map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
// A table of runs tells of its models no more than their parameters.
const isBare = (domain) => domain.architectures.kind === "bare";
const targetText = (domain, ask) => `${domain.metric.title} ${metricText(domain.metric, ask.target)}`;

function answer(domain, ask, found) {
  const { star, build, naive, saving } = found;
  if (domain.law.refused) return `There is no answer: ${domain.law.refused}.`;
  if (!star) return `This study decided by law ${domain.law.named}, of which this page knows the decision at ${domain.words.target} alone; set the target back to see it.`;
  if (star.n_star === null) return `No size reaches ${targetText(domain, ask)}: it is out of reach in ${probability(star.out_of_reach)} of what the law thinks possible.`;
  if (!build) return `${targetText(domain, ask)} asks for ${count(found.wanted)} parameters, and this page knows no ${domain.family} of that size.`;
  const asked = percent(ask.confidence);
  const sure = star.confident === null ? `no size up to ${FAR} × the largest trained is as sure as the ${asked} asked` : `asked: ${asked}`;
  const chance = build.chance === undefined || build.chance === null ? "" : `; one training reaches it with ${probability(build.chance)} (${sure})`;
  const about = build.exact || domain.architectures.exact ? "" : ", the smallest that this page knows";
  const which = isBare(domain) ? `a model of ${count(build.params.total)} parameters` : `${domain.family} with ${sizeText(build.size)}: ${count(build.params.total)} parameters`;
  let told = `For ${targetText(domain, ask)}, train ${which}${about}${chance}.`;
  if (naive) {
    const times = naive.price.flops / build.price.flops;
    told += times >= 1
      ? ` The model you would have trained computes ${significant(times, 2)} × as much; with this study counted you ${saving.net >= 0 ? "save" : "lose"} ${percent(Math.abs(saving.net))} of it.`
      : ` That is more than the model you would have trained, ${significant(1 / times, 2)} × as much.`;
  }
  return told;
}

// Whether to believe it: the withheld error first, then what the audit and the distance say.
function believe(domain, found) {
  const failed = domain.audit.filter((check) => check.status === "failed").map((check) => check.check);
  const warned = domain.audit.filter((check) => check.status === "warned").map((check) => check.check);
  const size = found.build?.params[domain.counted], far = size ? size / domain.ladder.largest : 0;
  const none = !domain.withheld, lost = domain.withheld && !domain.withheld.beats;
  const reasons = [];
  if (failed.length) reasons.push(`the audit failed ${failed.join(", ")}`);
  if (far > FAR) reasons.push(`what to build is ${significant(far, 2)} × the largest size trained, far from what was measured`);
  else if (far > 1) reasons.push(`what to build is ${significant(far, 2)} × the largest size trained`);
  const bad = none || lost || failed.length || far > FAR;
  const care = warned.length || far > 1;
  return { kind: bad ? "no" : care ? "care" : "yes",
    head: bad ? "Do not lean on it yet." : care ? "Believe it with care." : "You can believe it.", reasons };
}

// Panels ----------------------------------------------------------------------------------------

function cell(name, label, ...value) {
  return make("div", {}, make("dt", {}, label), make("dd", { "data-value": name }, ...value));
}

function render() {
  writeAddress();
  for (const panel of panels) panel.update();
}

let waiting = false;
function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; render(); });
}

function panelOf(study, domain, heading) {
  const root = make("section", { class: "panel", "aria-label": heading || domain.name });
  const parts = {};
  for (const name of ["top", "cards", "beside", "curve", "plane", "front", "training", "rest"]) parts[name] = make("div");
  root.append(...Object.values(parts));
  if (heading) root.prepend(make("h2", {}, heading));
  const update = () => {
    const ask = { ...state };
    const found = decide(domain, ask);
    top(parts.top, domain, ask, found);
    cards(parts.cards, domain, ask, found);
    beside(parts.beside, domain, ask, found);
    curveFigure(parts.curve, domain, ask, found);
    planeFigure(parts.plane, domain, ask);
    frontFigure(parts.front, domain, ask, found);
  };
  trainingFigure(parts.training, domain);
  rest(parts.rest, study, domain);
  return { root, update };
}

function top(place, domain, ask, found) {
  const verdict = believe(domain, found);
  place.replaceChildren(
    make("p", { class: `believe ${verdict.kind}` }, make("strong", {}, `${verdict.head} `),
      `Withheld error first: ${domain.words.withheld}.${verdict.reasons.length ? ` Besides, ${verdict.reasons.join("; ")}.` : ""}`),
    make("p", { class: "answer", "aria-live": "polite", "data-value": "answer" }, answer(domain, ask, found)),
  );
}

function cards(place, domain, ask, found) {
  const { star, build, saving } = found, many = domain.counted === "total" ? "" : ", embeddings not counted";
  const list = make("dl", { class: "cards" });
  if (star) {
    list.append(
      cell("n_star", `N*, parameters at even chance${many}`, make("strong", {}, star.n_star === null ? "none" : count(star.n_star)),
        make("span", { "data-value": "interval" }, `${percent(domain.level)} interval ${count(star.interval[0])} – ${count(star.interval[1])}`)),
      cell("out_of_reach", "The target is out of reach in", make("strong", {}, probability(star.out_of_reach)), `of ${star.draws.toLocaleString("en")} draws of the law`),
      cell("confident", `One training reaches it with ${percent(ask.confidence)} from`, make("strong", {}, star.confident === null ? "no size" : count(star.confident)), "parameters"),
    );
  }
  if (build) {
    const cost = build.price;
    list.append(cell("build", "To build", make("strong", {}, isBare(domain) ? count(build.params.total) : sizeText(build.size)), `${build.params.total.toLocaleString("en")} parameters; predicted ${predicted(domain, build)}`));
    list.append(cell("cost", "Its training costs", make("strong", { "data-value": "money" }, cost.factor === null ? prefixed(cost.flops, "FLOP") : money(cost.money, domain.costs.currency)),
      cost.factor === null ? "energy, CO₂ and money not told: the jobs' times do not carry them" : withUnits(cost)));
  }
  if (saving) {
    list.append(cell("net", "Saved, with this study's cost counted", make("strong", {}, percent(saving.net)), `of the naive model's FLOPs; ${percent(saving.gross)} without the study`),
      cell("pays", "The study pays off", make("strong", {}, saving.pays === null ? "never" : saving.pays <= 1 ? "with the first training" : `after ${Math.ceil(saving.pays).toLocaleString("en")} trainings`)));
  }
  list.append(needed(domain, ask));
  place.replaceChildren(list);
}

function withUnits(cost) {
  const factor = cost.factor > 1.005 ? ` (within × ${cost.factor.toFixed(2)})` : "";
  return make("span", {}, make("span", { "data-value": "kwh" }, energy(cost.kwh)), ", ",
    make("span", { "data-value": "co2" }, mass(cost.co2_g)), ` CO₂${factor}`);
}

function predicted(domain, run) {
  if (!run.predicted) return "nothing: there is no law";
  const ends = [run.predicted.lower, run.predicted.upper].map((value) => metricText(domain.metric, value));
  if (domain.metric.rises) ends.reverse();
  return `${domain.metric.title} ${metricText(domain.metric, run.predicted.mean)} (${ends.join(" – ")})`;
}

function needed(domain, ask) {
  const found = dataNeeded(domain, ask);
  if (!found) return cell("data", "Data needed", make("strong", {}, "not told"), domain.joint.refused ?? "the study's law tells nothing of it");
  const times = (value) => (value === null ? "∞" : `${significant(value, 2)} ×`);
  return cell("data", `Data that the largest size trained (${count(domain.data.params)}) needs`, make("strong", {}, found.needs === null ? "no amount is enough" : times(found.needs)),
    `of the ${domain.data.have.toLocaleString("en")} samples at hand; ${percent(domain.level)} interval ${times(found.interval[0])} – ${times(found.interval[1])}; ${times(found.confident)} with ${percent(ask.confidence)}`);
}

// What to build beside the naive model and the study, a row each of what they cost.
function beside(place, domain, ask, found) {
  const { build, naive, study, served } = found, none = "–", currency = domain.costs.currency;
  const told = (run, show) => (run && run.price.factor !== null ? show(run.price) : none);
  const spent = (show) => (study.factor === null ? none : show(study));
  const lasting = (run, of, show) => (run && of ? show(run.price, of) : none);
  const rows = [
    ...(isBare(domain) ? [] : [["architecture", build && sizeText(build.size), naive && sizeText(naive.size), "the ladder, all its trainings"]]),
    ["parameters", build && count(build.params.total), naive && count(naive.params.total), none],
    ["reaches the target with", build && share(build.chance), naive && share(naive.chance), none],
    ["training FLOPs", build && prefixed(build.price.flops, "FLOP"), naive && prefixed(naive.price.flops, "FLOP"), prefixed(study.flops, "FLOP")],
    ["training time", told(build, (p) => duration(p.seconds)), told(naive, (p) => duration(p.seconds)), spent((p) => duration(p.seconds))],
    ["energy", told(build, (p) => energy(p.kwh)), told(naive, (p) => energy(p.kwh)), spent((p) => energy(p.kwh))],
    ["CO₂", told(build, (p) => mass(p.co2_g)), told(naive, (p) => mass(p.co2_g)), spent((p) => mass(p.co2_g))],
    ["money", told(build, (p) => money(p.money, currency)), told(naive, (p) => money(p.money, currency)), spent((p) => money(p.money, currency))],
    ["computing one answer, at the least", served.build ? seconds(served.build.each) : none, served.naive ? seconds(served.naive.each) : none, none],
  ];
  if (ask.requests > 0) {
    const whole = (key, show) => ["build", "naive"].map((run) =>
      lasting(found[run], served[run], (price, each) => (price.factor === null && key !== "flops" ? none : show(price[key] + each[key]))));
    rows.push([`FLOPs with ${count(ask.requests)} answers`, ...whole("flops", (v) => prefixed(v, "FLOP")), none],
      [`energy with ${count(ask.requests)} answers`, ...whole("kwh", energy), none],
      [`CO₂ with ${count(ask.requests)} answers`, ...whole("co2_g", mass), none],
      [`money with ${count(ask.requests)} answers`, ...whole("money", (v) => money(v, currency)), none]);
  }
  const head = ["", "to build", "naive model", "this study"];
  place.replaceChildren(make("h3", {}, "What to build, beside what you would have trained"),
    table("Costs", head, rows.map((row) => row.map((value) => value ?? none)), `${domain.name}-costs.csv`),
    make("p", { class: "note" }, `Times are those of this study's machine (${domain.words.how}); answers are counted by the FLOPs of a forward pass at the training's own rate: latency was not measured.`));
}

const share = (value) => (value === undefined || value === null ? "–" : probability(value));
const seconds = (value) => prefixed(value, "s");

// Figures ----------------------------------------------------------------------------------------

const runsOf = (domain) => {
  domain.table ??= domain.runs.rows.map((row) => Object.fromEntries(domain.runs.columns.map((name, i) => [name, row[i]])));
  return domain.table;
};

// How the curve is drawn: error on a log axis, the metric as named, or the loss.
function viewOf(domain, ask) {
  const metric = domain.metric, same = (value) => value;
  const rising = metric.rises || metric.name === "perplexity";
  if (ask.view === "loss" && metric.name !== "loss") return { name: "test loss", of: "test_loss", to: same, log: false, show: (v) => significant(v, 3) };
  if (ask.view === "metric" && rising) {
    return { name: `test ${metric.title}${metric.share ? " (%)" : ""}`, of: "value", to: (v) => shownMetric(metric, v) * (metric.share ? 100 : 1), log: false, show: (v) => significant(v, 4), law: true };
  }
  const title = metric.rises ? `1 − ${metric.title}` : metric.name === "perplexity" ? "loss (nats)" : metric.title;
  return { name: `test ${metric.name === "accuracy" ? "error" : title}${metric.share ? " (%)" : ""}`, of: "value", to: (v) => v * (metric.share ? 100 : 1), log: true, show: (v) => significant(v, 3), law: true };
}

const stretch = (values, log, by = 0.06) => {
  const known = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (log) {
    const more = Math.exp(Math.max(Math.log(high / low), 0.1) * by);
    return [low / more, high * more];
  }
  const more = Math.max(high - low, 1e-9) * by;
  return [low - more, high + more];
};

function sayRun(domain, run) {
  const value = run.value === null ? run.status : `${domain.metric.title} ${metricText(domain.metric, run.value)}`;
  const lines = [`${run.scale}, fraction ${run.fraction}, seed ${run.seed}${run.role === "verify" ? ", verification" : ""}${run.withheld ? ", withheld from the test of the law" : ""}`, `${count(run.params)} parameters: ${value}`];
  if (run.learning_rate !== null) lines.push(`learning rate ${run.learning_rate}, best epoch ${run.best_epoch} of ${run.epochs_run}`);
  if (run.warnings) lines.push(`warnings: ${run.warnings}`);
  if (domain.command) lines.push(commandOf(domain, run));
  return lines.join("\n");
}

const commandOf = (domain, run) => (run.role === "verify" ? "snakemake --cores all verify" : domain.command.replace("{scale}", run.scale).replace("{fraction}", run.fraction));

function curveFigure(place, domain, ask, found) {
  if (!place.firstChild) {
    const views = [["error", "error, log axis"], ["metric", domain.metric.title], ["loss", "loss"]];
    place.append(make("h3", {}, "Measured, and what the law says beyond"),
      make("p", {}, ...views.filter(([key]) => key !== "metric" || domain.metric.rises || domain.metric.name === "perplexity").map(([key, label]) =>
        make("button", { type: "button", "data-view": key, onclick: () => { state.view = key; soon(); } }, label))),
      make("div", { class: "figure" }),
      legend([{ shape: "line", colour: "blue", label: "law, median of its draws" }, { shape: "band", colour: "band", label: `${percent(domain.level)} band` },
        { shape: "dot", colour: "blue", label: "run" }, { shape: "diamond", colour: "purple", label: "run of a withheld size" },
        { shape: "ring", colour: "green", label: "verification" }, { shape: "star", colour: "orange", label: "to build" }, { shape: "span", colour: "orange", label: "interval of N*" }]));
  }
  for (const button of place.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", button.dataset.view === ask.view);
  const view = viewOf(domain, ask), { star, build } = found;
  const runs = runsOf(domain).filter((run) => run.fraction === domain.fraction && run[view.of] !== null && run.status === "ok");
  const marks = runs.map((run) => ({ x: run.params, y: view.to(run[view.of]), say: sayRun(domain, run),
    shape: run.role === "verify" ? "ring" : run.withheld ? "diamond" : "dot", colour: run.role === "verify" ? "green" : run.withheld ? "purple" : "blue" }));
  const sizes = runs.map((run) => run.params), least = Math.min(...sizes) / 1.5;
  const most = Math.max(Math.max(...sizes) * 3, (build?.params[domain.counted] ?? 0) * 2, Math.min(star?.n_star ?? 0, 1e3 * Math.max(...sizes)) * 2);
  const series = [];
  const law = domain.law.open;
  if (view.law && law) {
    const xs = Array.from({ length: 80 }, (_, i) => least * (most / least) ** (i / 79));
    const band = bandAt(law, xs, domain.level);
    series.push({ x: xs, y: band.mean.map(view.to), band: [band.lower.map(view.to), band.upper.map(view.to)] });
  } else if (view.law && domain.law.band) {
    const band = domain.law.band;
    series.push({ x: band.params, y: band.mean.map(view.to), band: [band.lower.map(view.to), band.upper.map(view.to)] });
  } else series.push({ x: [least, most], y: [null, null] });
  const lines = [], goal = view.law ? view.to(ask.target) : null;
  if (goal !== null) lines.push({ y: goal, label: `target ${metricText(domain.metric, ask.target)}`, colour: "orange", dash: [6, 4] });
  if (star?.n_star) lines.push({ x: star.n_star, label: `N* ${count(star.n_star)}`, colour: "orange" });
  if (build?.predicted && view.law) marks.push({ x: build.params[domain.counted], y: view.to(build.predicted.mean), shape: "star", colour: "orange", big: true, say: `to build: ${sizeText(build.size)}\n${predicted(domain, build)}` });
  const shown = [...marks.map((m) => m.y), ...(goal === null ? [] : [goal]), ...series.flatMap((s) => s.y.filter((_, i) => s.x[i] >= least && s.x[i] <= most && s.y[i] !== null))];
  draw(place.querySelector(".figure"), {
    x: { label: `parameters N${domain.counted === "total" ? "" : ", without embeddings"}`, log: true, range: [least, most], show: count },
    y: { label: view.name, log: view.log, range: stretch(shown, view.log), show: view.show },
    series, marks, lines, spans: star ? [{ from: Math.max(star.interval[0] ?? most, least), to: star.interval[1] }] : [],
    say: `${view.name} against parameters: ${runs.length} runs from ${count(Math.min(...sizes))} to ${count(Math.max(...sizes))} parameters at fraction ${domain.fraction}; the table of runs below has each.`,
  });
}

// The plane of N and D: worked out in pieces, so that the page stays awake.
function planeFigure(place, domain, ask) {
  const joint = domain.joint.open;
  if (!joint) {
    place.replaceChildren(make("h3", {}, "Size and data together"), make("p", { class: "note" }, `Not told: ${domain.joint.refused}.`));
    return;
  }
  if (!place.firstChild) {
    place.append(make("h3", {}, "Size and data together"), make("div", { class: "figure" }),
      legend([{ shape: "line", colour: "blue", label: "just reaches the target, by the joint law" }, { shape: "dot", colour: "blue", label: "trained" }, { shape: "star", colour: "orange", label: ask.label ? "cheapest in money" : "cheapest in FLOPs" }]),
      make("p", { class: "note", "data-value": "pair", "aria-live": "polite" }, "working out the plane …"));
  }
  domain.plane ??= planeOf(domain);
  const plane = domain.plane, note = place.querySelector("[data-value=pair]");
  if (!plane.middle) {
    if (plane.busy) return;
    plane.busy = true;
    const go = (from) => {
      if (!place.isConnected) { plane.busy = false; return; }
      if (fillPlane(domain, plane, from, from + 20)) { planeFigure(place, domain, { ...state }); return; }
      setTimeout(go, 0, from + 20);
    };
    setTimeout(go, 50, plane.rows.length);
    return;
  }
  const iso = isoline(plane, plane.middle, Math.log(ask.target)), pair = cheapestPair(domain, ask, plane);
  const kept = plane.d.map((_, j) => j).filter((j) => iso[j] < Infinity);
  const runs = runsOf(domain).filter((run) => run.status === "ok" && run.role !== "verify");
  const cells = [...new Map(runs.map((run) => [`${run.params} ${run.samples}`, run])).values()];
  const marks = cells.map((run) => ({ x: run.samples, y: run.params, shape: "dot", colour: "blue", say: `${run.scale}, fraction ${run.fraction}: ${count(run.params)} parameters, ${run.samples.toLocaleString("en")} samples` }));
  if (pair.flops < Infinity) marks.push({ x: pair.samples, y: pair.params, shape: "star", colour: "orange", big: true, say: "the cheapest pair" });
  const sizes = [...cells.map((run) => run.params), ...kept.map((j) => Math.exp(iso[j])).filter((n) => n < 1e4 * domain.ladder.largest)];
  draw(place.querySelector(".figure"), {
    x: { label: "unique training samples D", log: true, range: stretch([...domain.joint.samples, ...cells.map((run) => run.samples)], true, 0.1), show: count },
    y: { label: "parameters N", log: true, range: stretch(sizes, true, 0.1), show: count },
    series: [kept.length ? { x: kept.map((j) => Math.exp(plane.d[j])), y: kept.map((j) => Math.exp(iso[j])) } : { x: domain.joint.samples, y: [null, null] }],
    marks, say: "Sizes and amounts of data that just reach the target, and those that were trained.",
  });
  const level = `${percent(domain.level)} interval`;
  note.textContent = pair.flops < Infinity
    ? `Cheapest${ask.label ? " in money" : ""} by the joint law: ${count(pair.params)} parameters (${level} ${count(pair.interval.params[0])} – ${count(pair.interval.params[1])}) on ${Math.min(Math.ceil(pair.samples), domain.joint.samples[1]).toLocaleString("en")} samples: ${prefixed(pair.flops, "FLOP")}; reached in ${probability(pair.reached)} of the draws.`
    : `No size reaches the target on the data at hand, by the joint law; ${probability(pair.reached)} of its draws do.`;
}

// Every cell by what its training costs and what it reaches; those that nothing beats are joined.
function frontFigure(place, domain, ask, found) {
  if (!place.firstChild) {
    place.append(make("h3", {}, "Error against cost: what nothing beats"), make("div", { class: "figure" }),
      legend([{ shape: "dot", colour: "blue", label: "mean of a cell's runs" }, { shape: "line", colour: "green", label: "front: cheaper is worse" }, { shape: "star", colour: "orange", label: "to build, predicted" }, { shape: "cross", colour: "purple", label: "naive model, predicted" }]));
  }
  const groups = new Map();
  for (const run of runsOf(domain)) {
    if (run.status !== "ok" || run.value === null || !run.flops) continue;
    const key = `${run.scale} at fraction ${run.fraction}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const times = domain.metric.share ? 100 : 1, mean = (runs, key) => runs.reduce((sum, run) => sum + run[key], 0) / runs.length;
  const cells = [...groups].map(([key, runs]) => ({ key, x: mean(runs, "flops"), y: times * mean(runs, "value") }));
  cells.sort((a, b) => a.x - b.x);
  let least = Infinity;
  const front = cells.filter((each) => each.y < least && (least = each.y, true));
  const marks = cells.map((each) => ({ ...each, shape: "dot", colour: "blue", say: `${each.key}\n${prefixed(each.x, "FLOP")}, ${metricText(domain.metric, each.y / times)}` }));
  for (const [run, shape, name, label] of [[found.build, "star", "orange", "to build"], [found.naive, "cross", "purple", "naive model"]]) {
    if (run?.predicted) marks.push({ x: run.price.flops, y: times * run.predicted.mean, shape, colour: name, big: true, say: `${label}: ${prefixed(run.price.flops, "FLOP")}\n${predicted(domain, run)}` });
  }
  draw(place.querySelector(".figure"), {
    x: { label: "training FLOPs of one run", log: true, range: stretch(marks.map((m) => m.x), true), show: (v) => prefixed(v, "") },
    y: { label: `test ${domain.metric.name === "accuracy" ? "error" : domain.metric.rises ? `1 − ${domain.metric.title}` : domain.metric.name === "perplexity" ? "loss" : domain.metric.title}${domain.metric.share ? " (%)" : ""}`, log: true, range: stretch([...marks.map((m) => m.y), times * ask.target], true), show: (v) => significant(v, 3) },
    series: [{ x: front.map((f) => f.x), y: front.map((f) => f.y), colour: "green", width: 1.5 }],
    lines: [{ y: times * ask.target, label: "target", colour: "orange", dash: [6, 4] }],
    marks, say: "Test error of every trained cell against its training FLOPs, with what to build and the naive model as predicted.",
  });
}

function trainingFigure(place, domain) {
  const scales = Object.keys(domain.curves);
  if (!scales.length) return;
  if (Math.max(...Object.values(domain.curves).flat().map((seed) => seed.validation.length)) < 2) {
    place.append(make("h3", {}, "Training curves"), make("p", { class: "note" }, "One epoch was trained: there is no curve."));
    return;
  }
  const choose = make("select", { "aria-label": "Size whose training is shown", onchange: () => show() }, ...scales.map((scale) => make("option", {}, scale)));
  choose.value = scales.at(-1);
  const figure = make("div", { class: "figure" });
  place.append(make("h3", {}, "Training curves"), make("p", {}, choose, ` at fraction ${domain.fraction}`), figure,
    legend([{ shape: "line", colour: "blue", label: "validation loss, a line a seed" }, { shape: "line", colour: "green", dash: true, label: "training loss" }, { shape: "dot", colour: "blue", label: "best epoch" }]));
  function show() {
    const seeds = domain.curves[choose.value], epochs = (values) => values.map((_, i) => i + 1);
    const all = seeds.flatMap((seed) => [...seed.train, ...seed.validation]).filter((v) => v > 0);
    if (!all.length) return;
    draw(figure, {
      x: { label: "epoch", log: false, range: [0.5, Math.max(...seeds.map((seed) => seed.validation.length)) + 0.5], show: (v) => significant(v, 3) },
      y: { label: "loss", log: true, range: stretch(all, true), show: (v) => significant(v, 3) },
      series: seeds.flatMap((seed) => [{ x: epochs(seed.train), y: seed.train, colour: "green", dash: [5, 4], width: 1.2 }, { x: epochs(seed.validation), y: seed.validation, colour: "blue", width: 1.6 }]),
      marks: seeds.filter((seed) => seed.best && seed.validation[seed.best - 1] > 0).map((seed) => ({ x: seed.best, y: seed.validation[seed.best - 1], shape: "dot", colour: "blue", say: `seed ${seed.seed}, best epoch ${seed.best}: validation loss ${seed.validation[seed.best - 1]}` })),
      say: `Loss by epoch of ${seeds.length} runs of ${choose.value}.`,
    });
  }
  place.show = show;
}

// What no slider moves: the audit, warnings, every run.
function rest(place, study, domain) {
  const words = { passed: "✓ passed", warned: "! warned", failed: "✗ failed" };
  if (domain.audit.length) {
    place.append(make("h3", {}, "The audit: what a careful reader would ask"), make("ul", { class: "checks" },
      ...domain.audit.map((check) => make("li", {}, make("span", { class: "mark" }, words[check.status]), `${check.check}: ${check.figure}`))));
  }
  if (domain.words.warnings.length) place.append(make("h3", {}, "Warnings"), make("ul", {}, ...domain.words.warnings.map((each) => make("li", {}, each))));
  const told = [["Decided at the study's own target", domain.words.star], ["The fit", domain.words.fit], ["To settle it", domain.words.settle]].filter(([, text]) => text);
  place.append(make("h3", {}, "As the study itself says it"), make("dl", {}, ...told.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])));
  if (domain.withheld) {
    place.append(details("Withheld sizes: predicted and measured", table("Withheld sizes", ["cell", "parameters", "predicted", "interval of a run", "measured"],
      domain.withheld.cells.map((each) => [`${each.scale} at ${each.fraction}`, count(each.params), metricText(domain.metric, each.predicted), each.lower === null ? "–" : [each.lower, each.upper].map((v) => metricText(domain.metric, v)).join(" – "), metricText(domain.metric, each.measured)]), `${domain.name}-withheld.csv`)));
  }
  const columns = domain.runs.columns, rows = domain.runs.rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
  place.append(details(`All ${rows.length} runs`, table("Runs", [...columns, "made by"], rows.map((row, i) => [...row, domain.command ? commandOf(domain, runsOf(domain)[i]) : ""]), `${domain.name}-runs.csv`)));
  if (Object.keys(domain.curves).length) {
    const lines = Object.entries(domain.curves).flatMap(([scale, seeds]) => seeds.flatMap((seed) => seed.validation.map((value, i) => [scale, seed.seed, i + 1, seed.train[i] ?? "", value].map(String))));
    place.append(details("Training curves as numbers", table("Curves", ["scale", "seed", "epoch", "training loss", "validation loss"], lines, `${domain.name}-curves.csv`)));
  }
  place.append(details("The law's curve as numbers", lawTable(domain)));
}

function lawTable(domain) {
  const head = ["parameters", "median", "lower", "upper"], law = domain.law.open;
  if (!law) return make("p", { class: "note" }, "There is no law auto here.");
  const [least, most] = law.ranges[0], xs = Array.from({ length: 40 }, (_, i) => least * ((30 * most) / least) ** (i / 39));
  const band = bandAt(law, xs, domain.level);
  return table("Curve of the law, in what it is fitted to", head, xs.map((x, i) => [x, band.mean[i], band.lower[i], band.upper[i]].map((v) => v.toPrecision(5))), `${domain.name}-law.csv`);
}

function details(title, content) {
  return make("details", {}, make("summary", {}, title), content);
}

// A table with its own way out as CSV.
function table(caption, head, rows, file) {
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const save = () => {
    const text = [head, ...rows].map((row) => row.map((value) => quote(String(value))).join(",")).join("\n") + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: file });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return make("div", {},
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      make("table", {}, make("thead", {}, make("tr", {}, ...head.map((name) => name === "" ? make("td", {}) : make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, value))))))),
    make("button", { type: "button", onclick: save }, `Download as CSV`));
}

// Sliders ----------------------------------------------------------------------------------------

const STEPS = 1000;

// Ends of the target's slider, in the fitted metric: from the best that the law can see to the worst
// that was measured.
function targetRange(domain) {
  const values = runsOf(domain).filter((run) => run.status === "ok").map((run) => run.value).filter((v) => v > 0);
  const law = domain.law.open;
  const best = law ? 0.9 * Math.exp(median(drawsAt(law, Math.log(1000 * law.ranges[0][1])))) : Math.min(...values);
  return [Math.min(best, 0.8 * domain.target.fitted), Math.max(...values, 1.1 * domain.target.fitted)];
}

function sliders(domain) {
  const [low, high] = targetRange(domain), metric = domain.metric;
  const place = (value) => Math.round((STEPS * Math.log(high / value)) / Math.log(high / low));
  const value = (at) => Number((high * Math.exp((-at / STEPS) * Math.log(high / low))).toPrecision(4));
  const times = metric.share ? 100 : 1;
  const shown = (fitted) => Number((times * shownMetric(metric, fitted)).toPrecision(6));
  const box = make("section", { class: "controls", "aria-label": "What if" });
  const slide = make("input", { type: "range", id: "target", min: 0, max: STEPS, step: 1 });
  const exact = make("input", { type: "number", id: "target-number", step: "any", "aria-label": `Target ${metric.title}, exactly` });
  const tell = () => {
    slide.value = place(state.target);
    slide.setAttribute("aria-valuetext", metricText(metric, state.target));
    exact.value = shown(state.target);
  };
  slide.addEventListener("input", () => { state.target = value(slide.value); exact.value = shown(state.target); slide.setAttribute("aria-valuetext", metricText(metric, state.target)); soon(); });
  exact.addEventListener("change", () => {
    const asked = fittedMetric(metric, Number(exact.value) / times);
    if (asked > 0 && (!metric.share || asked < 1) && Number.isFinite(asked)) { state.target = shown(domain.target.fitted) === Number(exact.value) ? domain.target.fitted : asked; soon(); }
    tell();
  });
  const fixed = !domain.law.open;
  if (fixed) [slide, exact].forEach((each) => { each.disabled = true; });
  box.append(row(`Target: test ${metric.title}${metric.share ? ", %" : metric.unit ? `, ${metric.unit}` : ""}${fixed ? " (fixed: no law auto here)" : ""}`, "target", slide, exact));
  box.append(ranged("confidence", "One training reaches it with, %", 50, 99, 1, 100, fixed));
  const countries = make("select", { id: "country", "aria-label": "Country whose electricity is used" }, make("option", { value: "" }, "the study's own"), ...payload.countries.map(([name, grams]) => make("option", { value: grams }, `${name}: ${significant(grams)} g`)));
  const grams = make("input", { type: "number", id: "carbon", min: 0, step: "any", value: state.carbon });
  const takeGrams = (given) => { state.carbon = given; grams.value = given; soon(); };
  countries.addEventListener("change", () => takeGrams(countries.value === "" ? defaults(state.domain).carbon : Number(countries.value)));
  grams.addEventListener("change", () => { if (Number(grams.value) >= 0) takeGrams(Number(grams.value)); });
  box.append(row("Electricity: g CO₂ per kWh", "carbon", grams, countries));
  box.append(ranged("kwhPrice", `Price of a kWh, ${domain.costs.currency}`, 0, Math.max(1, 2 * state.kwhPrice), 0.01, 1));
  const hourly = make("input", { type: "number", id: "hourly", min: 0, step: "any", value: state.hourly ?? "", placeholder: "by energy" });
  hourly.addEventListener("change", () => { state.hourly = hourly.value === "" ? null : Math.max(0, Number(hourly.value)); soon(); });
  box.append(row(`Price of an hour of the device, ${domain.costs.currency} (empty: energy is paid)`, "hourly", hourly));
  const requests = make("input", { type: "range", id: "requests", min: 0, max: 120, step: 1, value: state.requests ? Math.round(10 * Math.log10(state.requests)) : 0 });
  const served = make("output", { for: "requests" }, count(state.requests));
  requests.addEventListener("input", () => { const at = Number(requests.value); state.requests = at ? Number((10 ** (at / 10)).toPrecision(2)) : 0; served.textContent = count(state.requests); requests.setAttribute("aria-valuetext", count(state.requests)); soon(); });
  box.append(row("Answers that the model will serve", "requests", requests, served));
  box.append(make("div", { class: "row" }, make("button", { type: "button", onclick: () => { location.hash = `domain=${state.domain}`; begin(); } }, "Back to the study's own"),
    make("button", { type: "button", onclick: share_, id: "link" }, "Copy a link to this view")));
  tell();
  return box;
}

async function share_() {
  const button = document.getElementById("link");
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The address above holds this view";
  }
}

const row = (label, id, ...inputs) => make("div", {}, make("label", { for: id }, label), make("div", { class: "row" }, ...inputs));

function ranged(key, label, low, high, step, times, fixed = false) {
  const at = () => Number((state[key] * times).toPrecision(6));
  const slide = make("input", { type: "range", id: key, min: low, max: high, step, value: at(), disabled: fixed });
  const exact = make("input", { type: "number", min: low, max: key === "confidence" ? high : null, step: "any", value: at(), "aria-label": `${label}, exactly`, disabled: fixed });
  const take = (from, to) => {
    const given = Number(from.value);
    if (!Number.isFinite(given) || given < low || (key === "confidence" && given > high)) { from.value = at(); return; }
    state[key] = given / times;
    to.value = from.value;
    soon();
  };
  slide.addEventListener("input", () => take(slide, exact));
  exact.addEventListener("change", () => take(exact, slide));
  return row(label, key, slide, exact);
}

// Two studies ------------------------------------------------------------------------------------

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

// Beginning --------------------------------------------------------------------------------------

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
    make("button", { type: "button", "data-domain": name, "aria-current": name === state.domain ? "true" : "false", onclick: () => { location.hash = `domain=${name}`; begin(); } }, name)));
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
