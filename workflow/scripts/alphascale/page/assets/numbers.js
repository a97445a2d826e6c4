// Numbers as people read them, the same as units.py writes them in the study's own texts.

const PREFIXES = { "-9": "n", "-6": "µ", "-3": "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E" };

function decimalsOf(value, digits) {
  if (value === 0 || !Number.isFinite(value)) return 0;
  return Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
}

function significant(value, digits = 3) {
  if (value === 0) return "0";
  const decimals = Math.min(decimalsOf(value, digits), 20);
  const rounded = Number(value.toPrecision(digits));
  const [whole, part] = rounded.toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const rest = (part ?? "").replace(/0+$/, "");
  return rest ? `${grouped}.${rest}` : grouped;
}

function prefixed(value, unit, digits = 3) {
  let power = 0;
  if (value !== 0) {
    const rounded = Number(Math.abs(value).toExponential(digits - 1));
    power = clip(3 * Math.floor(Math.log10(rounded) / 3), -9, 18);
  }
  return `${significant(value / 10 ** power, digits)} ${PREFIXES[power]}${unit}`.trimEnd();
}

function count(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "∞";
  return value >= 1000 ? prefixed(value, "").replace("G", "B") : significant(value);
}

function percent(share, digits = 3) {
  let shown = significant(100 * share, digits);
  if (shown === "100" && share !== 1) {
    shown = (100 * share).toFixed(decimalsOf(100 * Math.abs(1 - share), 1));
  }
  return `${shown} %`.replace("-", "−");
}

function probability(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return share > 0.999 && share < 1 ? "> 99.9 %" : percent(share);
}

const energy = (kwh) => prefixed(1000 * kwh, "Wh");
const mass = (grams) => prefixed(grams, "g");

function money(amount, currency) {
  return amount > 0 && amount < 0.01 ? `< 0.01 ${currency}` : `${significant(amount, 2)} ${currency}`;
}

const signed = (value, shown) => (value < 0 ? "−" : "") + shown(Math.abs(value));

function duration(seconds) {
  if (seconds < 120) return `${significant(seconds, 2)} s`;
  if (seconds < 7200) return `${significant(seconds / 60, 2)} min`;
  return seconds < 172800 ? `${significant(seconds / 3600, 2)} h` : `${significant(seconds / 86400, 2)} days`;
}

// An interval of a number of parameters, as the study's own texts write it.
const spread = ([lower, upper]) => `${count(lower)} – ${count(upper)}`;

// A metric from what laws are fitted to and back: of one that rises, 1 − it; of a perplexity, e^it.
const shownMetric = (metric, fitted) =>
  metric.name === "perplexity" ? Math.exp(Math.min(fitted, 700)) : metric.rises ? 1 - fitted : fitted;
const fittedMetric = (metric, shown) =>
  metric.name === "perplexity" ? Math.log(shown) : metric.rises ? 1 - shown : shown;

// Both ends of an interval in the metric as it is named, the lower first.
function inOrder(metric, { lower, upper }) {
  const ends = [lower, upper].map((value) => metricText(metric, value));
  return metric.rises ? ends.reverse() : ends;
}

function metricText(metric, fitted, digits = 4) {
  const value = shownMetric(metric, fitted);
  return metric.share ? percent(value, digits) : `${significant(value, digits)} ${metric.unit}`.trimEnd();
}
