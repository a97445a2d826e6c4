// Figures by uPlot: lines and bands are its own; marks of runs, and of what was decided, are drawn on
// top, so that no two are told apart by colour alone.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// series: {label, x, y, colour, dash, band: [lower, upper]} lines; marks: {label, x, y, colour, shape,
// say} points; lines: {x | y, label, colour, dash}; spans: {from, to, colour}.
function draw(place, chart) {
  place.replaceChildren();
  const xs = [...new Set(chart.series.flatMap((each) => each.x))].sort((a, b) => a - b);
  const data = [xs], series = [{}], bands = [];
  const onto = (each, values) => {
    const at = new Map(each.x.map((x, i) => [x, values[i]]));
    return xs.map((x) => at.get(x) ?? null);
  };
  for (const each of chart.series) {
    const stroke = colour(each.colour ?? "blue");
    if (each.band) {
      for (const edge of [1, 0]) {
        data.push(onto(each, each.band[edge]));
        series.push({ stroke: "transparent", width: 0, points: { show: false }, spanGaps: true });
      }
      bands.push({ series: [series.length - 2, series.length - 1], fill: colour("band") });
    }
    data.push(onto(each, each.y));
    series.push({ stroke, width: each.width ?? 2, dash: each.dash, points: { show: false }, spanGaps: true });
  }
  const width = Math.max(place.clientWidth, 240);
  const axis = (side) => ({
    stroke: colour("ink"), grid: { stroke: colour("line"), width: 0.5 }, ticks: { stroke: colour("line") },
    label: chart[side].label, font: "13px system-ui", labelFont: "13px system-ui",
    values: (_, splits) => splits.map((v) => (v === null ? "" : chart[side].show(v))),
    ...(chart[side].log ? { splits: (u, i, low, high) => decades(low, high), filter: (u, splits) => splits } : {}),
    ...(side === "y" ? { size: 66 } : { space: 60 }),
  });
  const scale = (side) => ({
    time: false, distr: chart[side].log ? 3 : 1,
    range: () => chart[side].range,
  });
  const plot = new uPlot({
    width, height: chart.height ?? Math.min(400, Math.max(260, width * 0.5)),
    legend: { show: false }, cursor: { show: false }, series, bands,
    scales: { x: scale("x"), y: scale("y") }, axes: [axis("x"), axis("y")],
    hooks: { drawClear: [(u) => spans(u, chart.spans ?? [])], draw: [(u) => onTop(u, chart)] },
  }, data, place);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", chart.say);
  place.onmousemove = (event) => hover(plot, chart, event);
  place.onmouseleave = () => { document.getElementById("tip").hidden = true; };
  return plot;
}

// Places of a logarithmic axis: 1, 2 and 5 of each decade, fewer where there are many.
function decades(low, high) {
  const span = Math.log10(high / low), leads = span < 0.7 ? [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9] : span < 2.5 ? [1, 2, 5] : [1];
  const step = span > 7 ? Math.ceil(span / 7) : 1, out = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += step) {
    for (const lead of leads) out.push(lead * 10 ** power);
  }
  return out.filter((value) => value >= low && value <= high);
}

const pixel = (u, mark) => [u.valToPos(mark.x, "x", true), u.valToPos(mark.y, "y", true)];

function clipped(u, paint) {
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  u.ctx.clip();
  paint(u.ctx, u.bbox, devicePixelRatio);
  u.ctx.restore();
}

function spans(u, all) {
  clipped(u, (ctx, box) => {
    for (const { from, to, shade } of all) {
      const a = u.valToPos(from, "x", true), b = to === null ? box.left + box.width : u.valToPos(to, "x", true);
      ctx.fillStyle = colour(shade ?? "orange");
      ctx.globalAlpha = 0.13;
      ctx.fillRect(a, box.top, b - a, box.height);
    }
  });
}

function onTop(u, chart) {
  clipped(u, (ctx, box, ratio) => {
    ctx.font = `${13 * ratio}px system-ui`;
    ctx.lineWidth = 1.6 * ratio;
    for (const line of chart.lines ?? []) {
      ctx.strokeStyle = ctx.fillStyle = colour(line.colour);
      ctx.setLineDash((line.dash ?? []).map((d) => d * ratio));
      ctx.beginPath();
      if (line.x !== undefined) {
        const x = u.valToPos(line.x, "x", true);
        ctx.moveTo(x, box.top);
        ctx.lineTo(x, box.top + box.height);
        ctx.stroke();
        const left = x > box.left + 0.75 * box.width;
        ctx.textAlign = left ? "right" : "left";
        ctx.fillText(line.label, x + (left ? -5 : 5) * ratio, box.top + (14 + 16 * (line.row ?? 0)) * ratio);
      } else {
        const y = u.valToPos(line.y, "y", true);
        ctx.moveTo(box.left, y);
        ctx.lineTo(box.left + box.width, y);
        ctx.stroke();
        ctx.textAlign = "right";
        ctx.fillText(line.label, box.left + box.width - 5 * ratio, y - 5 * ratio);
      }
    }
    ctx.setLineDash([]);
    for (const mark of chart.marks ?? []) {
      ctx.strokeStyle = ctx.fillStyle = colour(mark.colour);
      paintMark(ctx, mark.shape, ...pixel(u, mark), (mark.big ? 8 : 4.5) * ratio);
    }
  });
}

function paintMark(ctx, shape, x, y, r) {
  ctx.beginPath();
  if (shape === "cross") {
    ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r);
    ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r);
    ctx.stroke();
    return;
  }
  if (shape === "diamond" || shape === "star") {
    const points = shape === "star" ? 10 : 4;
    for (let i = 0; i < points; i++) {
      const far = shape === "star" && i % 2 ? 0.42 * r : 1.15 * r, turn = (2 * Math.PI * i) / points - Math.PI / 2;
      ctx.lineTo(x + far * Math.cos(turn), y + far * Math.sin(turn));
    }
    ctx.closePath();
  } else ctx.arc(x, y, r, 0, 2 * Math.PI);
  if (shape === "ring" || shape === "diamond") ctx.stroke(); else ctx.fill();
}

// What stands nearest to the pointer, within 24 pixels.
function hover(u, chart, event) {
  const tip = document.getElementById("tip"), box = u.root.getBoundingClientRect();
  const at = [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
  let best = null, least = 24 * devicePixelRatio;
  for (const mark of chart.marks ?? []) {
    const [x, y] = pixel(u, mark), far = Math.hypot(x - at[0], y - at[1]);
    if (far < least && mark.say) [best, least] = [mark, far];
  }
  tip.hidden = !best;
  if (!best) return;
  tip.textContent = best.say;
  tip.style.left = `${Math.min(event.clientX + 12, innerWidth - 360)}px`;
  tip.style.top = `${Math.min(event.clientY + 12, innerHeight - 140)}px`;
}

// The key to a figure, its signs as they are drawn.
function legend(items) {
  const list = make("ul", { class: "legend" });
  for (const { shape, colour: name, label, dash } of items) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", 22);
    svg.setAttribute("height", 14);
    svg.setAttribute("aria-hidden", "true");
    svg.innerHTML = SIGNS[shape](`var(--${name})`, dash ? "4 3" : "none");
    list.append(make("li", {}, svg, label));
  }
  return list;
}

const SIGNS = {
  line: (c, dash) => `<line x1="0" y1="7" x2="22" y2="7" stroke="${c}" stroke-width="2.5" stroke-dasharray="${dash}"/>`,
  band: (c) => `<rect width="22" height="14" fill="${c}"/>`,
  span: (c) => `<rect width="22" height="14" fill="${c}" opacity=".2"/>`,
  dot: (c) => `<circle cx="11" cy="7" r="4.5" fill="${c}"/>`,
  ring: (c) => `<circle cx="11" cy="7" r="4.5" fill="none" stroke="${c}" stroke-width="1.6"/>`,
  diamond: (c) => `<path d="M11 1 17 7 11 13 5 7Z" fill="none" stroke="${c}" stroke-width="1.6"/>`,
  cross: (c) => `<path d="M7 3 15 11M7 11 15 3" stroke="${c}" stroke-width="1.8"/>`,
  star: (c) => `<path d="M11 0 13 5 18 5 14 8 16 13 11 10 6 13 8 8 4 5 9 5Z" fill="${c}"/>`,
};
