// The figures of a panel, from a decision and the domain's runs.

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
      legend([{ shape: "line", colour: "blue", label: "just reaches the target, by the joint law" }, { shape: "dot", colour: "blue", label: "trained" }, { shape: "star", colour: "orange", label: "the cheapest pair" }]),
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
    ? `Cheapest in ${pair.inMoney ? "money" : "FLOPs"}${pairCounts(ask, pair)} by the joint law: ${count(pair.params)} parameters (${level} ${count(pair.interval.params[0])} – ${count(pair.interval.params[1])}) on ${Math.min(Math.ceil(pair.samples * (1 - 1e-9)), domain.joint.samples[1]).toLocaleString("en")} samples: ${prefixed(pair.flops, "FLOP")}; reached in ${probability(pair.reached)} of the draws.`
    : `No size reaches the target on the data at hand, ${mostServed(domain) < Infinity ? "within the limits of this study, " : ""}by the joint law; ${probability(pair.reached)} of its draws do.`;
}

// What the cheapest pair counts, where answers are asked for.
function pairCounts(ask, pair) {
  if (pair.counted) return ` over its life, with ${pair.counted.toLocaleString("en")} answers,`;
  return ask.requests ? " of its training alone, without the answers," : "";
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
    x: { label: `training FLOPs of one run${perSample(domain)}`, log: true, range: stretch(marks.map((m) => m.x), true), show: (v) => prefixed(v, "") },
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
    place.append(make("h3", {}, "Training curves"), make("p", { class: "note" }, `One ${domain.along} was told: there is no curve.`));
    return;
  }
  const choose = make("select", { "aria-label": "Size whose training is shown", onchange: () => show() }, ...scales.map((scale) => make("option", {}, scale)));
  choose.value = scales.at(-1);
  const figure = make("div", { class: "figure" });
  place.append(make("h3", {}, "Training curves"), make("p", {}, choose, ` at fraction ${domain.fraction}`), figure,
    legend([{ shape: "line", colour: "blue", label: "validation loss, a line a seed" }, { shape: "line", colour: "green", dash: true, label: "training loss" }, { shape: "dot", colour: "blue", label: "best" }]));
  function show() {
    const seeds = domain.curves[choose.value], epochs = (values) => values.map((_, i) => i + 1);
    const at = (seed) => seed.at ?? epochs(seed.validation), trainAt = (seed) => seed.trainAt ?? epochs(seed.train);
    const ends = seeds.flatMap((seed) => [...at(seed), ...trainAt(seed)]);
    const all = seeds.flatMap((seed) => [...seed.train, ...seed.validation]).filter((v) => v > 0);
    if (!all.length) return;
    draw(figure, {
      x: { label: domain.along, log: false, range: stretch([...ends, 0], false, 0.03), show: (v) => significant(v, 3) },
      y: { label: "loss", log: true, range: stretch(all, true), show: (v) => significant(v, 3) },
      series: seeds.flatMap((seed) => [{ x: trainAt(seed), y: seed.train, colour: "green", dash: [5, 4], width: 1.2 }, { x: at(seed), y: seed.validation, colour: "blue", width: 1.6 }]),
      marks: seeds.filter((seed) => seed.best && seed.validation[seed.best - 1] > 0).map((seed) => ({ x: at(seed)[seed.best - 1], y: seed.validation[seed.best - 1], shape: "dot", colour: "blue", say: `seed ${seed.seed}, best at ${domain.along} ${at(seed)[seed.best - 1]}: validation loss ${seed.validation[seed.best - 1]}` })),
      say: `Loss by epoch of ${seeds.length} runs of ${choose.value}.`,
    });
  }
  place.show = show;
}
