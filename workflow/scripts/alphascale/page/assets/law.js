// Draws of a law of alphascale (laws/auto_law.py, laws/shapes.py), read where the page is read: the
// same curves, crossings and quantiles, so that a slider shows what a decision would say there.

// Indices into a draw's parameters, as in laws/shapes.py.
const LEVEL = 0, ALPHA = 1, BETA = 2, FLOOR = 3, SHARE = 4, INNER = 5, OUTER = 6, BOUND = 7;
const LIMIT = 60;  // |exponent| beyond which powers are held
const FINE = 10;  // points between two levels
const FAR_OUT = 30;  // crossings are looked for up to e^30 times the largest size

const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const expit = (x) => 1 / (1 + Math.exp(-x));

// Columns of doubles, packed by page/packing.py: base64 of zlib of bytes sorted by place.
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const sorted = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = sorted.length / 8;
  const mixed = new Uint8Array(sorted.length);
  for (let place = 0; place < 8; place++) {
    for (let i = 0; i < values; i++) mixed[8 * i + place] = sorted[place * values + i];
  }
  const all = new Float64Array(mixed.buffer), rows = values / packed.columns;
  return Array.from({ length: packed.columns }, (_, i) => all.subarray(i * rows, (i + 1) * rows));
}

// A law as the payload holds it, made ready to be asked.
async function openLaw(stored) {
  const columns = await unpack(stored.draws);
  const predictors = stored.held.length;
  const take = (count) => columns.splice(0, count);
  const law = { ...stored };
  law.P = take(8);
  [law.noise] = take(1);
  law.stretch = take(predictors);
  law.reference = take(predictors);
  law.levels = take(stored.knots.length);
  law.size = law.noise.length;
  law.free = stored.held.indexOf(null);
  law.last = stored.knots.length ? stored.knots.at(-1) : Math.log(stored.ranges[0][1]);
  // What depends on a draw alone.
  law.own = Array.from({ length: law.size }, (_, i) => ({
    alpha: Math.exp(law.P[ALPHA][i]), beta: Math.exp(law.P[BETA][i]),
    inner: Math.exp(law.P[INNER][i]), outer: Math.exp(law.P[OUTER][i]),
    rho: Math.exp(law.P[BOUND][i]), floor: expit(law.P[FLOOR][i]),
    share: expit(law.P[SHARE][i]), rest: expit(-law.P[SHARE][i]),
  }));
  return law;
}

// The law where predictor `index` stays at a logarithm (laws/pooling.py, hold).
function held(law, index, log, range) {
  const places = law.held.map((value, i) => (i === index ? log : value));
  const free = places.indexOf(null);
  const last = Math.log(range[1]);
  return { ...law, held: places, free, ranges: [range], knots: [], levels: [], last, cached: null };
}

function offset(law, i, predictor, log) {
  const off = log - law.reference[predictor][i];
  return off > 0 ? off * law.stretch[predictor][i] : off;
}

// log y of draw i by its form, at logarithms of all predictors.
function formAt(law, i, first, second) {
  const own = law.own[i];
  const downN = -clip(own.alpha * offset(law, i, 0, first), -LIMIT, LIMIT);
  if (law.held.length === 1) return bend(law, i, own, downN);
  const downD = -clip(own.beta * offset(law, i, 1, second), -LIMIT, LIMIT);
  return bend(law, i, own, Math.log(own.share * Math.exp(downN) + own.rest * Math.exp(downD)));
}

function bend(law, i, own, logH) {
  const power = Math.exp(clip(own.inner * logH, -LIMIT, LIMIT));
  const t = power * ((1 + own.rho) / (1 + own.rho * power));
  return law.P[LEVEL][i] + own.outer * Math.log(own.floor + (1 - own.floor) * t);
}

// log y of draw i at a logarithm of the one free predictor, by its form.
function along(law, i, log) {
  if (law.held.length === 1) return formAt(law, i, log);
  return law.free === 0 ? formAt(law, i, log, law.held[1]) : formAt(law, i, law.held[0], log);
}

// Slopes of the monotone cubic through points (Fritsch and Butland 1984), as scipy's
// PchipInterpolator takes them.
function slopes(x, y) {
  const n = x.length, h = [], m = [];
  for (let i = 0; i < n - 1; i++) {
    h.push(x[i + 1] - x[i]);
    m.push((y[i + 1] - y[i]) / h[i]);
  }
  if (n === 2) return [m[0], m[0]];
  const d = new Array(n).fill(0);
  for (let i = 1; i < n - 1; i++) {
    if (m[i - 1] * m[i] <= 0) continue;
    const one = 2 * h[i] + h[i - 1], two = h[i] + 2 * h[i - 1];
    d[i] = (one + two) / (one / m[i - 1] + two / m[i]);
  }
  d[0] = endSlope(h[0], h[1], m[0], m[1]);
  d[n - 1] = endSlope(h[n - 2], h[n - 3], m[n - 2], m[n - 3]);
  return d;
}

function endSlope(near, next, m, beyond) {
  const d = ((2 * near + next) * m - near * beyond) / (near + next);
  if (Math.sign(d) !== Math.sign(m)) return 0;
  return Math.sign(m) !== Math.sign(beyond) && Math.abs(d) > 3 * Math.abs(m) ? 3 * m : d;
}

// log y of draw i inside the levels that were measured; below the first, its line carried on.
function inside(law, i, log) {
  const x = law.knots;
  law.joined ??= Array.from({ length: law.size }, (_, row) => {
    const y = law.levels.map((level) => level[row]);
    return { y, d: slopes(x, y) };
  });
  const { y, d } = law.joined[i];
  if (log <= x[0]) return y[0] + ((y[1] - y[0]) / (x[1] - x[0])) * (log - x[0]);
  let k = 0;
  while (k < x.length - 2 && log >= x[k + 1]) k++;
  const h = x[k + 1] - x[k], s = log - x[k], m = (y[k + 1] - y[k]) / h;
  const c = (3 * m - 2 * d[k] - d[k + 1]) / h, b = (d[k] - 2 * m + d[k + 1]) / (h * h);
  return y[k] + s * (d[k] + s * (c + s * b));
}

// log y of every draw (R) at a logarithm of the free predictor.
function drawsAt(law, log) {
  const measured = law.knots.length > 1 && log < law.last;
  const out = new Float64Array(law.size);
  for (let i = 0; i < law.size; i++) out[i] = measured ? inside(law, i, log) : along(law, i, log);
  return out;
}

function median(values) {
  const sorted = Float64Array.from(values).sort(), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

// Order statistic of sorted values, as numpy's inverted_cdf takes it: infinities stay such.
function quantile(sorted, share) {
  const at = sorted.length * share - 1;
  return sorted[clip(Math.ceil(at), 0, sorted.length - 1)];
}

const evenly = (from, to, count) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / count);

// Where crossings are looked for: logarithms, every draw's curve there, and their medians.
function lattice(law) {
  if (law.cached) return law.cached;
  let grid = [];
  for (let k = 0; k + 1 < law.knots.length; k++) {
    grid = grid.concat(evenly(law.knots[k], law.knots[k + 1], FINE));
  }
  if (!law.knots.length) grid = evenly(Math.log(law.ranges[0][0]), law.last, 160);
  grid.push(law.last);
  const ratio = Math.log(FAR_OUT / 1e-3) / 159;
  for (let i = 0; i < 160; i++) grid.push(law.last + 1e-3 * Math.exp(ratio * i));
  const drawn = grid.map((log) => drawsAt(law, log));
  law.cached = { grid, drawn, middle: drawn.map(median) };
  return law.cached;
}

const notBelow = (x, smallest) => (x <= smallest * (1 + 1e-9) ? smallest : x);

// The smallest x at which `short` is over for good, by the grid and bisection.
function crossing(law, shortOnGrid, short) {
  const { grid } = lattice(law);
  let first = grid.length;
  while (first > 0 && !shortOnGrid(first - 1)) first--;
  if (first === grid.length) return Infinity;
  let low = grid[Math.max(first - 1, 0)], high = grid[first];
  for (let step = 0; step < 50; step++) {
    const middle = 0.5 * (low + high);
    if (short(middle)) low = middle; else high = middle;
  }
  return notBelow(Math.exp(high), law.ranges[0][0]);
}

// Where the curve, the median of the draws, is down to a target of the fitted metric.
function solveEven(law, target) {
  const wanted = Math.log(target), { middle } = lattice(law);
  return crossing(law, (k) => middle[k] > wanted, (log) => median(drawsAt(law, log)) > wanted);
}

// Where one run is down to it with a probability.
function solveSure(law, target, confidence) {
  if (confidence === 0.5) return solveEven(law, target);
  const wanted = Math.log(target), { drawn } = lattice(law);
  const short = (values) => reachOf(law, values, wanted) < confidence;
  return crossing(law, (k) => short(drawn[k]), (log) => short(drawsAt(law, log)));
}

// The same for every draw (R), infinite where it never is.
function solveDraws(law, target) {
  const wanted = Math.log(target), { grid, drawn } = lattice(law);
  return Float64Array.from({ length: law.size }, (_, i) => {
    let first = grid.length;
    while (first > 0 && drawn[first - 1][i] <= wanted) first--;
    if (first === grid.length) return Infinity;
    const before = Math.max(first - 1, 0);
    let low = grid[before], high = grid[first];
    if (law.knots.length && low < law.last - 1e-9) {
      const a = drawn[before][i], b = drawn[first][i];
      const share = a > b ? clip((a - wanted) / (a - b), 0, 1) : 1;
      return notBelow(Math.exp(low + share * (high - low)), law.ranges[0][0]);
    }
    for (let step = 0; step < 45; step++) {
      const middle = 0.5 * (low + high);
      if (along(law, i, middle) <= wanted) high = middle; else low = middle;
    }
    return notBelow(Math.exp(high), law.ranges[0][0]);
  });
}

// sd of log y of a new run of draw i where its curve is at `value` (AutoLaw._spread).
function spreadAt(law, i, value) {
  const noise = law.noise[i];
  if (!law.tested) return noise;
  const error = clip(Math.exp(value), 0.5 / law.tested, 0.95);
  const more = (1 - error) / (error * law.tested) - law.counted;
  const variance = noise ** 2 + Math.min(1, noise ** 2 / law.counted) * more;
  return Math.sqrt(Math.max(variance, 0.25 * noise ** 2));
}

// Probability that one run is down to log target, given every draw's curve there.
function reachOf(law, values, wanted) {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += normal((wanted - values[i]) / spreadAt(law, i, values[i]));
  }
  return total / values.length;
}

// Median of the draws at a size and the interval of one run of it, in the fitted metric.
function predictRun(law, x, level) {
  const values = drawsAt(law, Math.log(x)), tail = (1 - level) / 2;
  const sd = values.map((value, i) => spreadAt(law, i, value));
  const share = (at) => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += normal((at - values[i]) / sd[i]);
    return total / values.length;
  };
  const ends = [tail, 1 - tail].map((wanted) => {
    let low = Infinity, high = -Infinity;
    values.forEach((value, i) => {
      low = Math.min(low, value - 9 * sd[i]);
      high = Math.max(high, value + 9 * sd[i]);
    });
    for (let step = 0; step < 60; step++) {
      const middle = 0.5 * (low + high);
      if (share(middle) < wanted) low = middle; else high = middle;
    }
    return high;
  });
  const centre = median(values);
  const bound = (log) => clip(Math.exp(log), law.least, law.ceiling ?? Infinity);
  return {
    mean: bound(centre), lower: bound(Math.min(ends[0], centre)),
    upper: bound(Math.max(ends[1], centre)),
  };
}

// The curve with its band at sizes, in the fitted metric.
function bandAt(law, sizes, level) {
  const tail = (1 - level) / 2, bound = (log) => clip(Math.exp(log), law.least, law.ceiling ?? Infinity);
  const out = { mean: [], lower: [], upper: [] };
  for (const x of sizes) {
    const sorted = drawsAt(law, Math.log(x)).sort();
    out.mean.push(bound(median(sorted)));
    out.lower.push(bound(quantile(sorted, tail)));
    out.upper.push(bound(quantile(sorted, 1 - tail)));
  }
  return out;
}

// Distribution function of the standard normal, to a double's rounding: a series of positive terms
// about zero, a continued fraction in the tails (Abramowitz and Stegun 1964, 26.2.11 and 26.2.14).
function normal(z) {
  const a = Math.abs(z);
  if (a > 38) return z > 0 ? 1 : 0;
  const density = Math.exp(-0.5 * a * a) / Math.sqrt(2 * Math.PI);
  if (a < 3.2) {
    let term = a, sum = a;
    for (let k = 3; term > 1e-17 * sum; k += 2) sum += term *= (a * a) / k;
    return z > 0 ? 0.5 + density * sum : 0.5 - density * sum;
  }
  let fraction = a;
  for (let k = 60; k > 0; k--) fraction = a + k / fraction;
  return z > 0 ? 1 - density / fraction : density / fraction;
}
