// What is asked, `state`: the address holds what differs from the study.

const payload = JSON.parse(document.getElementById("payload").textContent);
const state = {};
const kept = {};  // domain → its address when it was last seen
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
    kwhPrice: costs.price_per_kwh, hourly: costs.price_per_hour, label: costs.price_per_label,
    requests: domain.serving ? domain.serving.asked.requests : 0,
  };
}

// The address: `#domain=tabular&target=0.05&carbon=56`.
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const name = names.includes(given.get("domain")) ? given.get("domain") : names[0];
  Object.assign(state, { domain: name, view: "error", ...defaults(name) });
  for (const key of ["target", "confidence", "carbon", "kwhPrice", "hourly", "label", "requests"]) {
    const value = Number(given.get(key));
    if (given.get(key) && Number.isFinite(value) && value >= 0) state[key] = value;
  }
  if (given.get("hourly") === "none") state.hourly = null;
  if (!(state.target > 0)) state.target = defaults(name).target;
  const usual = defaults(name).confidence;
  state.confidence = clip(state.confidence, Math.min(0.5, usual), Math.max(0.99, usual));
  if (["error", "metric", "loss"].includes(given.get("view"))) state.view = given.get("view");
}

function writeAddress() {
  const usual = { ...defaults(state.domain), view: "error" }, out = new URLSearchParams({ domain: state.domain });
  for (const [key, value] of Object.entries(state)) {
    if (key === "hourly" && value === null && usual.hourly !== null) out.set(key, "none");
    else if (key !== "domain" && value !== usual[key] && value !== null) out.set(key, typeof value === "number" ? Number(value.toPrecision(10)) : value);
  }
  kept[state.domain] = String(out);
  history.replaceState(null, "", `#${out}`);
}
