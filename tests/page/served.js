// What the page says of a domain, without a browser: its panels' words, as JSON.
// node served.js ASSETS PAGE
const fs = require("fs"), path = require("path");
const [assets, page] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(assets, `${name}.js`), "utf8");
const payload = fs.readFileSync(page, "utf8").split('<script type="application/json" id="payload">')[1].split("</script>")[0];

// As much of a document as the panels' words need.
class Element {
  constructor() { this.children = []; }
  append(...given) { this.children.push(...given); }
  prepend(...given) { this.children.unshift(...given); }
  replaceChildren(...given) { this.children = given; }
  setAttribute() {}
  addEventListener() {}
  get text() { return this.children.map((each) => (each instanceof Element ? each.text : String(each))).join(" "); }
}
globalThis.document = { getElementById: () => ({ textContent: payload }), createElement: () => new Element(), createElementNS: () => new Element() };
globalThis.location = { hash: "" };

const code = ["state", "numbers", "law", "decide", "charts", "panels", "figures", "tables"].map(read).join("\n");
const open = read("view").match(/async function open[\s\S]*?\n}\n/)[0];
const say = `(async () => {
  const said = {};
  for (const domain of payload.studies[0].domains) {
    await open(domain);
    const ask = { domain: domain.name, view: "error", ...defaults(domain.name) }, found = decide(domain, ask);
    const parts = [top, cards, beside].map((draw) => { const place = new Element(); draw(place, domain, ask, found); return place.text; });
    const joint = domain.joint.open, plane = joint && planeOf(domain);
    const pair = joint ? (fillPlane(domain, plane, 0, joint.size), cheapestPair(domain, ask, plane)) : null;
    said[domain.name] = { pair, counts: pair && pairCounts(ask, pair), words: parts.join(" "), build: found.served.build, naive: found.served.naive, requests: ask.requests };
  }
  console.log(JSON.stringify(said));
})()`;
new Function("Element", `${code}\n${open}\n${say}`)(Element);
