// From laws and prices to a choice: deciding/star.py, decision.py and costs.py, at any target and
// price. `domain` is one domain of the payload (page/payload.py), `ask` is what the sliders say.

const FAR = 10;  // deciding/ranges.py: a choice farther beyond the ladder rests on the law alone
// deciding/costs.py: a factor beyond which times are not told, and how far off they are for each
// e-fold beyond the largest step timed
const CARRIED = 3, SPREAD = 0.4;
const JOULES_PER_KWH = 3.6e6;

const finite = (value) => (Number.isFinite(value) ? value : null);

// N*, its interval and the probability that the target is out of reach.
function starOf(domain, ask) {
  const law = domain.law;
  if (tooRare(domain, ask)) return null;
  if (!law.open) return law.decided && atStudy(domain, ask) ? law.decided : null;
  const target = ask.target, draws = solveDraws(law.open, target);
  const even = solveEven(law.open, target);
  const sure = Math.max(even, solveSure(law.open, target, ask.confidence));
  const sorted = Float64Array.from(draws).sort(), tail = (1 - domain.level) / 2;
  const lower = Math.min(quantile(sorted, tail), even);
  const upper = Math.max(quantile(sorted, 1 - tail), even);
  const most = Math.max(FAR * law.open.ranges[0][1], even);
  return {
    n_star: finite(even), confident: sure <= most ? finite(sure) : null,
    interval: [finite(Math.max(lower, 1)), finite(upper)],
    out_of_reach: draws.filter((x) => x === Infinity).length / draws.length, draws: draws.length,
  };
}

// Whether the target is less than one error in the samples tested, which cannot be told from none.
const tooRare = (domain, ask) => domain.tested !== null && ask.target * domain.tested < 1;

// Whether the target and the confidence are those that the study decided on.
const atStudy = (domain, ask) =>
  Math.abs(ask.target / domain.target.fitted - 1) < 1e-9 && ask.confidence === domain.target.confidence;

// The parameters to build: at the target's confidence, or N* where no size is that sure; no fewer
// than a further target of the study asks for.
function wantedSizes(domain, star) {
  if (!star || star.n_star === null) return [];
  const least = Math.max(0, ...domain.others.map((other) => other.asks ?? 0));
  return [star.confident, star.n_star].filter((n) => n !== null).map((n) => Math.max(n, least));
}

const polynomial = ([a, b, c], at) => Math.round(a + at * (b + at * c));

// The smallest architecture with so many parameters, null where none is known.
function smallestWith(domain, params) {
  const found = domain.architectures;
  if (params > 1e14) return null;
  if (found.kind === "bare") return bare(domain, Math.ceil(params));
  if (found.kind === "turned") {
    const size = (turns) => polynomial(found.params[domain.counted], turns);
    let above = 1;
    while (size(above) < params && above < 2 ** 40) above *= 2;
    let below = above >> 1;
    while (above - below > 1) {
      const middle = Math.floor((above + below) / 2);
      if (size(middle) < params) below = middle; else above = middle;
    }
    return {
      size: { ...found.shape, [found.key]: above * found.step }, exact: true,
      params: Object.fromEntries(Object.entries(found.params).map(([k, p]) => [k, polynomial(p, above)])),
      flops: polynomial(found.flops.training, above), forward: polynomial(found.flops.forward, above),
    };
  }
  const enough = found.list.filter((each) => each.params[domain.counted] >= params);
  if (!enough.length) return null;
  return enough.reduce((a, b) => (b.params[domain.counted] < a.params[domain.counted] ? b : a));
}

// A model of which nothing is known but its parameters: the table's own FLOPs per sample, of which a
// forward pass is a third.
function bare(domain, n) {
  const flops = alongLines(domain.architectures.cost, n);
  return { size: { params: n }, exact: true, params: { total: n, non_embedding: n }, flops, forward: flops / 3 };
}

// What so many FLOPs in so many steps cost.
function priceOf(domain, ask, flops, steps) {
  const rate = domain.rate, seconds = steps * rate.step_seconds + flops / rate.flops_per_second;
  return { flops, seconds, ...paidFor(domain, ask, seconds, (domain.watts * seconds) / JOULES_PER_KWH),
    factor: factorOf(rate, [flops, steps]), beyond: beyondOf(rate, [flops, steps]) };
}

// The naive model's, of which some steps were timed.
const timedPrice = (domain, ask) => ({
  ...domain.timed, ...paidFor(domain, ask, domain.timed.seconds, domain.timed.kwh / domain.costs.pue),
});

// kwh: at the socket, before the building's share.
function paidFor(domain, ask, seconds, kwh) {
  const used = kwh * domain.costs.pue;
  return {
    kwh: used, co2_g: used * ask.carbon,
    money: ask.hourly === null ? used * ask.kwhPrice : (seconds / 3600) * ask.hourly,
  };
}

// FLOPs of a step of a run (FLOPs, steps) over those of the largest timed, at least 1.
const beyondOf = (rate, [flops, steps]) =>
  rate.largest_step && steps ? Math.max(flops / steps / rate.largest_step, 1) : 1;

// The 95 % factor about the seconds of a run (FLOPs, steps).
function factorOf(rate, [flops, steps]) {
  if (!rate.variance) return null;
  const seconds = steps * rate.step_seconds + flops / rate.flops_per_second;
  const ofSteps = steps / seconds, ofFlops = flops / seconds;
  const [a, b, both] = rate.variance;
  const variance = ofSteps * ofSteps * a + 2 * ofSteps * ofFlops * both + ofFlops * ofFlops * b;
  const farOff = SPREAD * Math.log(beyondOf(rate, [flops, steps]));
  const found = Math.exp(1.96 * Math.sqrt(Math.max(variance, 0) + farOff * farOff));
  return found <= CARRIED ? found : null;
}

const stepsOf = (domain, samples) => domain.epochs * Math.ceil(samples / domain.batch_size);

// One training of an architecture on the decision's data: its price, and what one run reaches.
function runOf(domain, ask, built) {
  const flops = built.flops * domain.samples * domain.epochs;
  const run = { ...built, price: priceOf(domain, ask, flops, stepsOf(domain, domain.samples)) };
  if (domain.law.open) {
    const size = built.params[domain.counted];
    run.predicted = predictRun(domain.law.open, size, domain.level);
    run.chance = reachOf(domain.law.open, drawsAt(domain.law.open, Math.log(size)), Math.log(ask.target));
  } else if (atStudy(domain, ask)) Object.assign(run, domain.law.ofBuilt);
  return run;
}

// The study's own cost at the prices asked about.
const studyPrice = (domain, ask) => ({
  ...domain.study, ...paidFor(domain, ask, domain.study.seconds, domain.study.kwh / domain.costs.pue),
});

const sameSize = (a, b) => Object.keys({ ...a, ...b }).every((key) => JSON.stringify(a[key]) === JSON.stringify(b[key]));

// What it takes to answer a batch of requests, as measured of the naive model, and of the study's own
// choice where that was, and by the curves
// through what was measured of any other (deciding/lifetime.py); null where the study did not ask.
function servesOf(domain, built, naive = false) {
  const found = domain.serving;
  if (!found) return null;
  if (naive && found.naive.seconds !== undefined) return found.naive;
  if (found.built && built.size && sameSize(found.built.size, built.size)) return found.built;
  const n = built.params[domain.counted];
  return Object.fromEntries(Object.entries(found.curves).map(([key, [a, b, c]]) => [key, a + b * n ** c]));
}

// The largest N within the study's limits; infinite where none binds.
const mostServed = (domain) => (domain.serving?.limit ? domain.serving.limit.params ?? 0 : Infinity);

// The limits of the study that a size breaks: [what it takes, the limit, the unit]; the one that
// binds first by the largest size that keeps it (deciding/lifetime.py, broken).
function brokenBy(domain, built, serves) {
  if (!serves || built.params[domain.counted] <= mostServed(domain)) return [];
  const { latency_ms: latency, memory_mb: memory } = domain.serving.asked, binding = domain.serving.limit.limit;
  return [["latency_ms", 1e3 * serves.seconds_95, latency, "ms"], ["memory_mb", serves.memory_bytes / 1e6, memory, "MB"]]
    .filter(([key, takes, limit]) => limit !== null && (key === binding || takes > limit)).map(([, ...told]) => told);
}

// Whether what rests on a training's time is told: also where requests make next to nothing of it.
const LITTLE = 0.01;
const toldBeside = (price, each) => price.factor !== null || (price.kwh <= LITTLE * each.kwh && price.money <= LITTLE * each.money);

// What a model costs to serve so often: as measured, or by FLOPs at the training's own rate.
function serving(domain, ask, built, naive = false) {
  const serves = servesOf(domain, built, naive);
  if (serves) {
    const batches = ask.requests / domain.serving.asked.batch, all = serves.seconds * batches;
    return { serves, each: serves.seconds, flops: built.forward * ask.requests, seconds: all,
      ...paidFor(domain, ask, all, (serves.joules * batches) / JOULES_PER_KWH) };
  }
  if (!domain.rate.variance || built.price.factor === null) return null;  // no time is known
  const seconds = built.forward / domain.rate.flops_per_second;
  const all = seconds * ask.requests;
  return { each: seconds, flops: built.forward * ask.requests, seconds: all,
    ...paidFor(domain, ask, all, (domain.watts * all) / JOULES_PER_KWH) };
}

// The decision at what the sliders say.
function decide(domain, ask) {
  const star = starOf(domain, ask), wanted = wantedSizes(domain, star);
  let built = null;
  for (const params of wanted) built ??= smallestWith(domain, params);
  const broken = built ? brokenBy(domain, built, servesOf(domain, built)) : [], excluded = broken.length ? { built, broken } : null;
  if (excluded) built = null;
  const build = built && runOf(domain, ask, built);
  const unbuilt = domain.naive && (domain.architectures.kind === "bare" ? bare(domain, domain.naive.size.params) : domain.naive);
  const naive = unbuilt && runOf(domain, ask, unbuilt);
  if (naive && domain.timed) naive.price = timedPrice(domain, ask);
  const study = studyPrice(domain, ask);
  return { star, wanted: wanted[0] ?? null, build, naive, study,
    saving: build && naive ? savingOf(build, naive, study) : null,
    served: { build: build && serving(domain, ask, build), naive: naive && serving(domain, ask, naive, true) }, excluded,
    guessed: domain.guess !== null && ask.target >= domain.guess, smallest: star?.n_star != null && star.n_star <= domain.ladder.smallest };
}

function savingOf(build, naive, study) {
  const less = naive.price.flops - build.price.flops;
  return {
    net: 1 - (study.flops + build.price.flops) / naive.price.flops,
    gross: 1 - build.price.flops / naive.price.flops,
    pays: less > 0 ? study.flops / less : null,
  };
}

// The data at which the largest size trained reaches the target, as multiples of what there is.
function dataNeeded(domain, ask) {
  const joint = domain.joint.open;
  if (!joint || domain.data === null || tooRare(domain, ask)) return null;
  domain.data.along ??= held(joint, 0, Math.log(domain.data.params), joint.ranges[1]);
  const law = domain.data.along, have = domain.data.have;
  const even = solveEven(law, ask.target);
  const sure = Math.max(even, solveSure(law, ask.target, ask.confidence));
  const sorted = solveDraws(law, ask.target).sort(), tail = (1 - domain.level) / 2;
  const lower = Math.min(quantile(sorted, tail), even), upper = Math.max(quantile(sorted, 1 - tail), even);
  return { needs: finite(even / have), confident: finite(sure / have),
    interval: [finite(lower / have), finite(upper / have)] };
}

// The joint law on a grid of N and D, for the draws from `from` to `to`: fitting/joint.py, cheapest.
const STEPS_N = 240, STEPS_D = 60, REACH = 1000;

function planeOf(domain) {
  const joint = domain.joint.open, [least, most] = joint.ranges[0], samples = domain.joint.samples;
  const ratio = Math.log((most * REACH) / least) / (STEPS_N - 1);
  const n = Array.from({ length: STEPS_N }, (_, i) => Math.log(least) + ratio * i);
  const span = Math.log(samples[1] / samples[0]) / (STEPS_D - 1);
  const d = Array.from({ length: STEPS_D }, (_, i) => Math.log(samples[0]) + span * i);
  return { n, d, step: ratio, rows: [], middle: null };
}

function fillPlane(domain, plane, from, to) {
  const joint = domain.joint.open;
  for (let i = from; i < Math.min(to, joint.size); i++) {
    const own = joint.own[i], row = new Float32Array(STEPS_D * STEPS_N);
    const ofN = plane.n.map((log) => own.share * Math.exp(-clip(own.alpha * offset(joint, i, 0, log), -LIMIT, LIMIT)));
    const ofD = plane.d.map((log) => own.rest * Math.exp(-clip(own.beta * offset(joint, i, 1, log), -LIMIT, LIMIT)));
    for (let j = 0; j < STEPS_D; j++) {
      for (let k = 0; k < STEPS_N; k++) row[j * STEPS_N + k] = bend(joint, i, own, Math.log(ofN[k] + ofD[j]));
    }
    plane.rows.push(row);
  }
  if (plane.rows.length < joint.size) return false;
  plane.middle = new Float32Array(STEPS_D * STEPS_N);
  const here = new Float32Array(joint.size), half = joint.size >> 1;
  for (let at = 0; at < plane.middle.length; at++) {
    for (let i = 0; i < joint.size; i++) here[i] = plane.rows[i][at];
    here.sort();
    plane.middle[at] = joint.size % 2 ? here[half] : (here[half - 1] + here[half]) / 2;
  }
  return true;
}

// log N at which a surface is down to log target, for each D; infinite where it never is.
function isoline(plane, surface, goal) {
  return plane.d.map((_, j) => {
    let k = 0;
    while (k < STEPS_N && surface[j * STEPS_N + k] > goal) k++;
    if (k === STEPS_N) return Infinity;
    if (k === 0) return plane.n[0];
    const here = surface[j * STEPS_N + k], before = surface[j * STEPS_N + k - 1];
    return plane.n[k] - clip((goal - here) / (before - here), 0, 1) * plane.step;
  });
}

// Money of all answers of a size of N parameters, by the curves; 0 where the study measured none.
function answersMoney(domain, ask, params) {
  if (!domain.serving || !ask.requests) return 0;
  return serving(domain, ask, { params: { [domain.counted]: params }, forward: 0 }).money;
}

// The cheapest (N, D) of a surface in FLOPs, or in money where labels have a price or answers are
// counted, of the sizes within the study's limits.
function cheapestOn(domain, ask, plane, surface) {
  let best = { params: Infinity, samples: Infinity, flops: Infinity, price: Infinity };
  isoline(plane, surface, Math.log(ask.target)).forEach((log, j) => {
    if (log === Infinity) return;
    const samples = Math.exp(plane.d[j]), params = Math.exp(log);
    if (params > mostServed(domain)) return;
    const flops = sampleCost(domain, params) * samples * domain.epochs;
    const price = inMoney(domain, ask) ? (ask.label ?? 0) * samples + priceOf(domain, ask, flops, stepsOf(domain, samples)).money + answersMoney(domain, ask, params) : flops;
    if (price < best.price) best = { params, samples, flops, price };
  });
  return best;
}

// Training FLOPs per sample seen of N parameters: log-log lines between the ladder's own counts.
const sampleCost = (domain, params) => alongLines(domain.joint.cost, params);

function alongLines([x, y], params) {
  const at = Math.log(params);
  let i = 0;
  while (i < x.length - 2 && at > x[i + 1]) i++;
  return Math.exp(y[i] + ((y[i + 1] - y[i]) / (x[i + 1] - x[i])) * (at - x[i]));
}

const inMoney = (domain, ask) => Boolean(ask.label || (domain.serving && ask.requests));

// The cheapest pair with its interval over the draws.
function cheapestPair(domain, given, plane) {
  let ask = given, best = cheapestOn(domain, ask, plane, plane.middle);
  const known = () => {
    const steps = stepsOf(domain, best.samples), all = answersMoney(domain, ask, best.params);
    return factorOf(domain.rate, [best.flops, steps]) !== null || (all > 0 && priceOf(domain, ask, best.flops, steps).money <= LITTLE * all);
  };
  if (inMoney(domain, ask) && !(best.flops < Infinity && known())) {  // the times do not carry it
    ask = { ...given, label: null, requests: 0 };
    best = cheapestOn(domain, ask, plane, plane.middle);
  }
  const ways = plane.rows.map((row) => cheapestOn(domain, ask, plane, row));
  const tail = (1 - domain.level) / 2, interval = {};
  for (const key of ["params", "samples", "flops", "price"]) {
    const sorted = Float64Array.from(ways, (way) => way[key]).sort();
    interval[key] = [finite(Math.min(best[key], quantile(sorted, tail))), finite(Math.max(best[key], quantile(sorted, 1 - tail)))];
  }
  return { ...best, interval, inMoney: inMoney(domain, ask), counted: inMoney(domain, ask) && domain.serving ? ask.requests : 0, reached: ways.filter((way) => way.flops < Infinity).length / ways.length };
}
