// What no slider moves: the audit, warnings, every run.
function rest(place, study, domain) {
  const words = { passed: "✓ passed", warned: "! warned", failed: "✗ failed" };
  if (domain.audit.length) {
    place.append(make("h3", {}, "The audit: what a careful reader would ask"), make("ul", { class: "checks" },
      ...domain.audit.map((check) => make("li", {}, make("span", { class: "mark" }, words[check.status]), ` ${check.check}: ${check.figure}`))));
  }
  if (domain.words.warnings.length) place.append(make("h3", {}, "Warnings"), make("ul", {}, ...domain.words.warnings.map((each) => make("li", {}, each))));
  const told = [["Decided at the study's own target", domain.words.star], ["The fit", domain.words.fit], ["To settle it", domain.words.settle]].filter(([, text]) => text);
  place.append(make("h3", {}, "As the study itself says it"), make("dl", {}, ...told.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])));
  if (domain.withheld) {
    place.append(details("Withheld sizes: predicted and measured", table("Withheld sizes", ["cell", "parameters", "predicted", "interval of a run", "measured"],
      domain.withheld.cells.map((each) => [`${each.scale} at ${each.fraction}`, count(each.params), metricText(domain.metric, each.predicted), each.lower === null ? "–" : inOrder(domain.metric, each).join(" – "), metricText(domain.metric, each.measured)]), `${domain.name}-withheld.csv`)));
  }
  const columns = domain.runs.columns, rows = domain.runs.rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
  place.append(details(`All ${rows.length} runs`, table("Runs", [...columns.map((name) => (name === "value" ? domain.metric.fitted : name)), "made by"], rows.map((row, i) => [...row, domain.command ? commandOf(domain, runsOf(domain)[i]) : ""]), `${domain.name}-runs.csv`)));
  if (Object.keys(domain.curves).length) {
    const lines = Object.entries(domain.curves).flatMap(([scale, seeds]) => seeds.flatMap((seed) => [["validation", seed.at, seed.validation], ["training", seed.trainAt, seed.train]].flatMap(([of, at, values]) => values.map((value, i) => [scale, seed.seed, of, at?.[i] ?? i + 1, value].map(String)))));
    place.append(details("Training curves as numbers", table("Curves", ["scale", "seed", "split", domain.along, "loss"], lines, `${domain.name}-curves.csv`)));
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
  // A cell that a spreadsheet would take for a formula is text.
  const plain = (text) => (/^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
  const quote = (given, text = plain(given)) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const save = () => {
    const text = [head, ...rows].map((row) => row.map((value) => quote(String(value))).join(",")).join("\n") + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: file });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return make("div", {},
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      make("table", {}, make("thead", {}, make("tr", {}, ...head.map((name) => name === "" ? make("td", {}) : make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value, i) => make(i ? "td" : "th", { scope: i ? null : "row", class: String(value).length > 60 ? "wide" : null }, value))))))),
    make("button", { type: "button", onclick: save }, `Download as CSV`));
}
