// What can be asked: sliders, and boxes beside them for exact values.

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
    if (exact.value !== "" && asked > 0 && (!metric.share || asked < 1) && Number.isFinite(asked)) {
      state.target = shown(domain.target.fitted) === Number(exact.value) ? domain.target.fitted : asked;
      tell();
      soon();
    } else refuse(exact, metric.share ? "between 0 and 100 %, neither of them" : metric.rises ? "below 1" : "above 0", tell);
  });
  const fixed = !domain.law.open;
  if (fixed) [slide, exact].forEach((each) => { each.disabled = true; });
  box.append(row(`Target: test ${metric.title}${metric.share ? ", %" : metric.unit ? `, ${metric.unit}` : ""}${fixed ? " (fixed: no law auto here)" : ""}`, "target", slide, exact));
  box.append(ranged("confidence", "One training reaches it with, %", Math.min(50, 100 * defaults(state.domain).confidence), Math.max(99, 100 * defaults(state.domain).confidence), "any", 100, fixed));
  const countries = make("select", { id: "country", "aria-label": "Country whose electricity is used" }, make("option", { value: "" }, "the study's own"), make("option", { value: "other", disabled: true }, "as given"), ...payload.countries.map(([name, grams]) => make("option", { value: grams }, `${name}: ${significant(grams)} g`)));
  const grams = make("input", { type: "number", id: "carbon", min: 0, step: "any", value: state.carbon });
  const takeGrams = (given) => { state.carbon = given; grams.value = given; soon(); };
  const own = defaults(state.domain).carbon;
  if (state.carbon !== own) countries.value = [...countries.options].find((each) => Number(each.value) === state.carbon && each.value !== "")?.value ?? "other";
  countries.addEventListener("change", () => takeGrams(countries.value === "" ? defaults(state.domain).carbon : Number(countries.value)));
  grams.addEventListener("change", () => {
    if (grams.value === "" || !(Number(grams.value) >= 0)) { refuse(grams, "0 or more", () => { grams.value = state.carbon; }); return; }
    countries.value = "other";
    takeGrams(Number(grams.value));
  });
  box.append(row("Electricity: g CO₂ per kWh", "carbon", grams, countries));
  box.append(ranged("kwhPrice", `Price of a kWh, ${domain.costs.currency}`, 0, Math.max(1, 2 * state.kwhPrice), 0.01, 1));
  const hourly = make("input", { type: "number", id: "hourly", min: 0, step: "any", value: state.hourly ?? "", placeholder: "by energy" });
  hourly.addEventListener("change", () => { state.hourly = hourly.value === "" ? null : Math.max(0, Number(hourly.value)); soon(); });
  box.append(row(`Price of an hour of the device, ${domain.costs.currency} (empty: energy is paid)`, "hourly", hourly));
  const requests = make("input", { type: "range", id: "requests", min: 0, max: 120, step: 1, value: state.requests ? Math.round(10 * Math.log10(state.requests)) : 0 });
  const served = make("input", { type: "number", class: "long", min: 0, step: "any", value: state.requests, "aria-label": "Answers that the model will serve, exactly" });
  const serve = (asked) => { state.requests = asked; served.value = asked; requests.setAttribute("aria-valuetext", count(asked)); soon(); };
  requests.addEventListener("input", () => { const at = Number(requests.value); serve(at ? Number((10 ** (at / 10)).toPrecision(2)) : 0); });
  served.addEventListener("change", () => {
    if (served.value === "" || !(Number(served.value) >= 0)) { refuse(served, "0 or more", () => { served.value = state.requests; }); return; }
    serve(Number(served.value));
    requests.value = state.requests ? Math.round(10 * Math.log10(state.requests)) : 0;
  });
  box.append(row("Answers that the model will serve", "requests", requests, served));
  box.append(make("div", { class: "row" }, make("button", { type: "button", onclick: () => { location.hash = `domain=${state.domain}`; begin(); } }, "Back to the study's own"),
    make("button", { type: "button", onclick: share_, id: "link" }, "Copy a link to this view")));
  tell();
  return box;
}

// What cannot be taken is said where it was typed, and what held before is back.
function refuse(input, allowed, back) {
  const typed = input.value;
  back();
  input.setCustomValidity(`${typed || "nothing"} is not taken: a number ${allowed}`);
  input.reportValidity();
  input.addEventListener("input", () => input.setCustomValidity(""), { once: true });
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
    if (from.value === "" || !Number.isFinite(given) || given < low || (key === "confidence" && given > high)) {
      refuse(from, key === "confidence" ? `between ${low} and ${high}` : `${low} or more`, () => { from.value = at(); });
      return;
    }
    state[key] = given / times;
    to.value = from.value;
    soon();
  };
  slide.addEventListener("input", () => take(slide, exact));
  exact.addEventListener("change", () => take(exact, slide));
  return row(label, key, slide, exact);
}
