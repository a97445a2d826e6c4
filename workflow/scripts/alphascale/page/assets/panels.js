// A panel: one domain of one study at what is asked, in sentences, cards and costs.

const sizeText = (size) => Object.entries(size).map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
// A table of runs tells of its models no more than their parameters.
const isBare = (domain) => domain.architectures.kind === "bare";
const targetText = (domain, ask) => `${domain.metric.title} ${metricText(domain.metric, ask.target)}`;

function answer(domain, ask, found) {
  const { star, build, naive, saving } = found;
  if (domain.law.refused) return `There is no answer: ${domain.law.refused}.`;
  if (tooRare(domain, ask)) return `There is no answer at ${targetText(domain, ask)}: it is less than one error in the ${domain.tested.toLocaleString("en")} test samples, which cannot be told from none; test on more.`;
  if (!star) return `This study decided by law ${domain.law.named}, of which this page knows the decision at ${domain.words.target} alone; set the target back to see it.`;
  if (found.guessed) return `${targetText(domain, ask)} is met by an answer that looks at no sample: nothing need be trained for it.`;
  if (star.n_star === null) return `No size reaches ${targetText(domain, ask)} with even chance: it is out of reach in ${probability(star.out_of_reach)} of what the law thinks possible.`;
  if (found.excluded) return tooMuch(domain, ask, found.excluded);
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

// That a limit of the study excludes what the target asks for.
function tooMuch(domain, ask, { built, broken }) {
  const takes = broken.map(([value, limit, unit]) => `${significant(value)} ${unit} where ${significant(limit)} ${unit} are allowed`).join(" and ");
  return `${targetText(domain, ask)} asks for ${count(built.params[domain.counted])} parameters, which take ${takes}: nothing can be recommended within the limits of this study.`;
}

// Whether to believe it: the withheld error first, then what the audit and the distance say.
function believe(domain, found) {
  const failed = domain.audit.filter((check) => check.status === "failed").map((check) => check.check);
  const warned = domain.audit.filter((check) => check.status === "warned").map((check) => check.check);
  const size = found.build?.params[domain.counted], far = size ? size / domain.ladder.largest : 0;
  const none = !domain.withheld, lost = domain.withheld && !domain.withheld.beats;
  const reasons = [];
  if (found.guessed) reasons.push("the target asks for no more than a guess reaches");
  if (failed.length) reasons.push(`the audit failed ${failed.join(", ")}`);
  if (far > FAR) reasons.push(`what to build is ${significant(far, 2)} × the largest size trained, far from what was measured`);
  else if (far > 1) reasons.push(`what to build is ${significant(far, 2)} × the largest size trained`);
  const bad = found.guessed || none || lost || failed.length || far > FAR;
  const care = warned.length || far > 1;
  return { kind: bad ? "no" : care ? "care" : "yes",
    head: bad ? "Do not lean on it yet." : care ? "Believe it with care." : "You can believe it.", reasons };
}

const perSample = (domain) => (domain.each ? ", for each sample seen" : "");

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
  const verdict = believe(domain, found), paid = ask.hourly === null ? `${ask.kwhPrice} ${domain.costs.currency} a kWh` : `${ask.hourly} ${domain.costs.currency} an hour`;
  place.replaceChildren(
    make("h2", {}, domain.name),
    make("p", { class: "paper" }, `Asked: ${targetText(domain, ask)}, one training with ${percent(ask.confidence)}; ${significant(ask.carbon)} g CO₂ per kWh, ${paid}, ${ask.requests.toLocaleString("en")} answers.`),
    make("p", { class: `believe ${verdict.kind}` }, make("strong", {}, `${verdict.head} `),
      `Withheld error first: ${domain.words.withheld}.${verdict.reasons.length ? ` Besides, ${verdict.reasons.join("; ")}.` : ""}`),
    make("p", { class: "answer", "aria-live": "polite", "data-value": "answer" }, answer(domain, ask, found)),
  );
}

// As summary.txt says it: what lies below the ladder was not measured.
function intervalText(domain, { star, smallest }) {
  const level = `${percent(domain.level)} interval`;
  if (star.interval[0] === null) return `${level} wholly out of reach`;
  return smallest ? `the smallest size trained, or less; ${level} up to ${count(star.interval[1])}` : `${level} ${spread(star.interval)}`;
}

const allowed = (broken) => `${broken.map(([, limit, unit]) => `${significant(limit)} ${unit}`).join(" and ")} are`;

function cards(place, domain, ask, found) {
  const { star, build, saving } = found, many = domain.counted === "total" ? "" : ", embeddings not counted";
  const list = make("dl", { class: "cards" });
  if (star) {
    list.append(
      cell("n_star", `N*, parameters at even chance${many}`, make("strong", {}, star.n_star === null ? "none" : count(star.n_star)),
        make("span", { "data-value": "interval" }, intervalText(domain, found))),
      cell("out_of_reach", "The target is out of reach in", make("strong", {}, probability(star.out_of_reach)), `of ${star.draws.toLocaleString("en")} draws of the law`),
      cell("confident", `One training reaches it with ${percent(ask.confidence)} from`, make("strong", {}, star.confident === null ? "no size" : count(star.confident)), "parameters"),
    );
  }
  if (build) {
    const cost = build.price;
    list.append(cell("build", "To build", make("strong", {}, isBare(domain) ? count(build.params.total) : sizeText(build.size)), `${build.params.total.toLocaleString("en")} parameters; predicted ${predicted(domain, build)}`));
    list.append(cell("cost", `Its training costs${perSample(domain)}`, make("strong", { "data-value": "money" }, cost.factor === null ? prefixed(cost.flops, "FLOP") : money(cost.money, domain.costs.currency)),
      cost.factor === null ? `energy, CO₂ and money not told: the jobs' times do not carry them${cost.beyond < 1.05 ? "" : ` (a step takes ${significant(cost.beyond, 2)} × the FLOPs of any that was timed)`}` : withUnits(cost)));
  }
  if (saving) {
    list.append(cell("net", "Saved, with this study's cost counted", make("strong", {}, percent(saving.net)), `of the naive model's FLOPs; ${percent(saving.gross)} without the study`),
      cell("pays", "The study pays off", make("strong", {}, saving.pays === null ? "never" : saving.pays <= 1 ? "with the first training" : `after ${Math.ceil(saving.pays).toLocaleString("en")} trainings`)));
  }
  if (build && domain.serving) {
    const { seconds_95: latest, joules } = found.served.build.serves, batch = domain.serving.asked.batch;
    const limit = domain.serving.asked.latency_ms, slower = limit !== null && 1e3 * latest > limit, beyond = build.params[domain.counted] > domain.serving.most;
    list.append(cell("latency", batch === 1 ? "It answers a request in" : `It answers ${batch} requests at once in`, make("strong", {}, seconds(found.served.build.each)),
      `95 % within ${seconds(latest)}${limit === null ? "" : ` of ${significant(limit)} ms allowed`}${slower ? ", which a larger size was measured to keep" : ""}; ${prefixed(joules, "J")} (${domain.serving.how})${beyond ? "; larger than any size measured" : ""}`));
  }
  const beyond = found.naive && domain.serving ? brokenBy(domain, found.naive, servesOf(domain, found.naive, true)) : [];
  if (beyond.length) list.append(cell("naive_limit", "The naive model breaks a limit", make("strong", {}, beyond.map(([value, , unit]) => `${significant(value)} ${unit}`).join(", ")), `where ${allowed(beyond)} allowed`));
  if (ask.requests > 0 && domain.serving && found.served.build && found.served.naive) {
    const { build: ours, naive: theirs } = found.served;
    if (toldBeside(build.price, ours) && toldBeside(found.naive.price, theirs) && found.study.factor !== null) {
      const net = 1 - (found.study.kwh + build.price.kwh + ours.kwh) / (found.naive.price.kwh + theirs.kwh);
      list.append(cell("lifetime", `Saved with ${ask.requests.toLocaleString("en")} answers as well`, make("strong", {}, percent(net)), "of the naive model's energy, training and answers, the study counted"));
    }
  } else if (ask.requests > 0 && found.served.build && found.served.naive) {
    const of = (run, each) => run.price.flops + each.flops;
    const net = 1 - (found.study.flops + of(build, found.served.build)) / of(found.naive, found.served.naive);
    list.append(cell("lifetime", `Saved with ${ask.requests.toLocaleString("en")} answers as well`, make("strong", {}, percent(net)), "of the naive model's FLOPs, training and answers, the study counted"));
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
  return `${domain.metric.title} ${metricText(domain.metric, run.predicted.mean)} (${inOrder(domain.metric, run.predicted).join(" – ")})`;
}

function needed(domain, ask) {
  const found = dataNeeded(domain, ask);
  if (!found) return cell("data", "Data needed", make("strong", {}, "not told"), domain.joint.refused ?? "the study's law tells nothing of it");
  const times = (value) => (value === null ? "∞" : `${significant(value, 2)} ×`);
  return cell("data", `Data that the largest size trained (${count(domain.data.params)}) needs`, make("strong", {}, found.needs === null ? "no amount is enough" : found.needs <= domain.data.least ? `${times(found.needs)} or less` : times(found.needs)),
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
    [`training FLOPs${perSample(domain)}`, build && prefixed(build.price.flops, "FLOP"), naive && prefixed(naive.price.flops, "FLOP"), prefixed(study.flops, "FLOP")],
    ["training time", told(build, (p) => duration(p.seconds)), told(naive, (p) => duration(p.seconds)), spent((p) => duration(p.seconds))],
    ["energy", told(build, (p) => energy(p.kwh)), told(naive, (p) => energy(p.kwh)), spent((p) => energy(p.kwh))],
    ["CO₂", told(build, (p) => mass(p.co2_g)), told(naive, (p) => mass(p.co2_g)), spent((p) => mass(p.co2_g))],
    ["money", told(build, (p) => money(p.money, currency)), told(naive, (p) => money(p.money, currency)), spent((p) => money(p.money, currency))],
    ...(domain.serving ? answering(domain, served, none) : [["computing one answer, at the least", served.build ? seconds(served.build.each) : none, served.naive ? seconds(served.naive.each) : none, none]]),
  ];
  if (ask.requests > 0 && !domain.each) {
    const whole = (key, show) => ["build", "naive"].map((run) =>
      lasting(found[run], served[run], (price, each) => (key !== "flops" && !toldBeside(price, each) ? none : show(price[key] + each[key]))));
    rows.push([`FLOPs with ${ask.requests.toLocaleString("en")} answers`, ...whole("flops", (v) => prefixed(v, "FLOP")), none],
      [`energy with ${ask.requests.toLocaleString("en")} answers`, ...whole("kwh", energy), none],
      [`CO₂ with ${ask.requests.toLocaleString("en")} answers`, ...whole("co2_g", mass), none],
      [`money with ${ask.requests.toLocaleString("en")} answers`, ...whole("money", (v) => money(v, currency)), none]);
  }
  const head = ["", "to build", "naive model", "this study"];
  place.replaceChildren(make("h3", {}, "What to build, beside what you would have trained"),
    table("Costs", head, rows.map((row) => row.map((value) => value ?? none)), `${domain.name}-costs.csv`),
    make("p", { class: "note" }, `Times are those of this study's machine (${domain.words.how}); ${domain.serving ? `answers are as measured of sizes up to ${count(domain.serving.most)} parameters, and by a curve through them; joules ${domain.serving.how}.` : "answers are counted by the FLOPs of a forward pass at the training's own rate: latency was not measured."}`));
}

// Rows of what answering takes, where it was measured.
function answering(domain, served, none) {
  const batch = domain.serving.asked.batch, many = batch === 1 ? "a request" : `${batch} requests at once`;
  const of = (key, show) => ["build", "naive"].map((run) => (served[run] ? show(served[run].serves[key]) : none));
  return [[`answering ${many}`, ...of("seconds", seconds), none], ["95 % of answers within", ...of("seconds_95", seconds), none],
    ["memory while it answers", ...of("memory_bytes", (v) => prefixed(v, "B")), none], [`energy of ${many}`, ...of("joules", (v) => prefixed(v, "J")), none]];
}

const share = (value) => (value === undefined || value === null ? "–" : probability(value));
const seconds = (value) => prefixed(value, "s");
