// The report: what all sections share, which policy is looked at, headline, and where the policy breaks.

const ALL = -1, OUTCOME = ["success", "failure", "error"];
const POLICIES = DATA.policies.map((policy, number) => {
  const cells = new Map(policy.cells.map(([t, a, l, k, n, e]) => [`${t}/${a}/${l}`, {k, n, e}]));
  return {...policy, number, cells, color: policy.role === "expert" ? "var(--expert)" : policy.role === "random" ? "var(--random)" : `var(--c${number % 5})`};
});
const AXES = DATA.axes, TASKS = DATA.tasks;
const AXIS = new Map(AXES.map(axis => [axis.name, axis]));
const EXPERT = POLICIES.find(policy => policy.role === "expert"), RANDOM = POLICIES.find(policy => policy.role === "random");
const WITHOUT = new Set(DATA.without.map(([t, a]) => `${t}/${a}`));
const FAMILIES = ["visual", "semantic", "object", "robot", "other", "together", "control"];
const subject = {policy: POLICIES[0]};
const DRAWN = []; // functions that draw a section again when another policy is looked at

function section(id, title, text, draw) {
  const body = h("div.body");
  const whole = h("section", {id}, h("h2", {}, title), text ? h("p.lead", {}, text) : null, body);
  const again = () => {
    const parts = draw(subject.policy);
    whole.hidden = parts === null;
    body.replaceChildren(...[parts || []].flat().filter(Boolean));
  };
  DRAWN.push(again);
  again();
  $("main").append(whole);
}
function look(number) {
  subject.policy = POLICIES[number];
  DRAWN.forEach(draw => draw());
}

// Rates and where their episodes are.
const interval = count => (count.ends ? count.ends : DATA.wilson[`${count.k}/${count.n}`]);
function rateText(count) {
  if (!count) return "";
  const errors = count.e ? ` +${count.e} err` : "";
  if (!count.n) return "no episode" + errors;
  const [low, high] = interval(count);
  return `${percent(count.k / count.n)} % [${percent(low)}, ${percent(high)}]${errors}`;
}
function linkTo(policy, where = {}) {
  const fields = [policy.name, where.task ?? "*", where.axis ?? "*", where.level ?? "*", where.reason ?? "*"];
  return "#episodes/" + fields.map(field => encodeURIComponent(field)).join("/");
}
const rateCell = (policy, count, where) => count && (count.n || count.e) ? {
  show: h("a.rate", {href: linkTo(policy, where)}, h("b", {}, count.n ? percent(count.k / count.n) + " %" : "none"),
    h("small", {}, count.n ? `${count.k}/${count.n} [${interval(count).map(percent).join(", ")}]` : "",
      count.e ? h("span.warn", {}, ` +${count.e} err`) : null)),
  sort: count.n ? count.k / count.n : null, text: rateText(count),
} : null;
function pooled(policy, name, level) {
  return policy.stats.pooled[`${name}/${level}`];
}
const pooledCount = found => found && {k: found[0], n: found[1], e: found[2], ends: found.slice(3)};
function magnitude(axis, level) {
  const size = axis.levels[level - 1];
  return size === undefined ? "" : `${Number(size.toPrecision(4))} ${axis.unit}`.trim();
}

// Headline.
const VERDICTS = {
  breaks: ["Breaks first on", "bad", 4], keeps: ["Keeps within 5 points on", "good", 8], unclear: ["Cannot tell for", "muted", 8],
};
function hero(policy) {
  const {base, verdict} = policy.stats;
  const said = Object.entries(VERDICTS).filter(([kind]) => verdict[kind].length).map(([kind, [label, tone, most]]) =>
    h("p.verdict", {}, h("b", {class: tone}, label + " "), verdictList(policy, verdict[kind].slice(0, most), kind), verdictTail(kind, verdict, most)));
  return [
    h("p.statement", {}, "In scenes like those it was trained on, ", h("b", {}, policy.name), base.n ? [" succeeds in ", h("b.big", {}, `${percent(base.k / base.n)} %`),
      ` of ${plural(base.n, "episode")} [${percent(base.low)}, ${percent(base.high)}]${base.families > 1 ? `, ${base.families} families` : ""}.`] : " was not run."),
    ...said, cards(policy),
  ];
}
function verdictList(policy, items, kind) {
  return items.map(([axis, level, value, half], at) => [at ? ", " : "", h("a", {href: linkTo(policy, {axis, level})}, spaced(axis)),
    kind === "breaks" ? ` (${points(value)} pt at level ${level}${half === null ? "" : `, halved by level ${half.toFixed(1)}`})` : ""]);
}
function verdictTail(kind, verdict, most) {
  const count = verdict[kind].length, more = count > most ? ` and ${count - most} more` : "";
  if (kind === "breaks") return `${more}. In all, ${count} of ${plural(verdict.axes, "axis", "axes")} lower success beyond chance (Holm\u2019s correction over all of them).`;
  if (kind === "unclear") return `${more}: the intervals allow for a loss of more than 5 points, and none is proved.`;
  return more + ": the intervals exclude a larger loss.";
}
function cards(policy) {
  const items = [], card = (what, big, small, tone) => items.push(h("div.card", {}, h("div.what", {}, what), h("div", {class: "big " + (tone || "")}, big), h("div.small", {}, small)));
  const {verdict, following, safety} = policy.stats, worst = [...verdict.breaks].sort((a, b) => a[2] - b[2])[0];
  if (worst) card(`Largest loss: ${spaced(worst[0])}, level ${worst[1]}`, `${points(worst[2])} pt`, magnitude(AXIS.get(worst[0]), worst[1]), "bad");
  if (following && following.value !== null && policy.role === "policy") card("Does what it is told: 0 is deaf, 1 always obeys", signed(following.value), `[${signed(following.low)}, ${signed(following.high)}] of ${following.pairs} twins`);
  for (const [other, what] of [[EXPERT, "Ceiling: the expert, all cells"], [RANDOM, "Floor: random actions, all cells"]]) {
    if (!other || other === policy) continue;
    const [k, n, , low, high] = other.stats.all;
    if (n) card(what, `${percent(k / n)} %`, `${k}/${n} [${percent(low)}, ${percent(high)}]`);
  }
  if (safety.length) card("Peak contact force, median over all episodes", `${short(safety[0].force[0])} N`, `one in ten above ${short(safety[0].force[1])} N, worst ${short(safety[0].force[2])} N`);
  return h("div.cards", {}, items);
}

// Forest plot of axes.
const axisView = {level: "hardest", order: "family"};
const drops = (policy, level) => policy.stats.drops.filter(drop => (level === "hardest" ? drop.hardest : !drop.hardest && drop.l === Number(level)));
function axesSection(policy) {
  const rows = dropRows(policy, axisView.level);
  if (!policy.stats.drops.length) return null;
  const levels = [["hardest", "hardest level"], ...DATA.levels.map(level => [level, `level ${level}`])];
  return [
    h("div.tools", {},
      choice(levels, axisView.level, picked => { axisView.level = picked; redraw("axes"); }, "level"),
      choice([["family", "by family"], ["loss", "by loss"]], axisView.order, picked => { axisView.order = picked; redraw("axes"); }, "order")),
    h("div.panel.wide", {}, forest(sorted(rows))),
    h("p.note", {}, "\u2605 lowers success beyond chance (McNemar\u2019s exact test, p < 0.05 after Holm\u2019s correction over the axes of this plot). Lines are paired 95 % intervals (Newcombe) of the change."),
    fold("All numbers", axesTable(policy)),
  ];
}
function redraw(id) {
  const at = [...$("main").querySelectorAll("section")].findIndex(each => each.id === id);
  if (at >= 0) DRAWN[at]();
}
const fold = (title, ...parts) => h("details", {}, h("summary", {}, title), parts);
const tone = each => (each.high < 0 ? "bad" : each.low > 0 ? "good" : "even");
const changeText = each => `${points(each.value)} [${points(each.low)}, ${points(each.high)}]`;
function dropRows(policy, level) {
  return drops(policy, level).map(drop => {
    const axis = AXIS.get(drop.axis);
    return {
      label: spaced(axis.name), note: [`level ${drop.l}`, magnitude(axis, drop.l)].filter(Boolean).join(": "), group: axis.family, href: linkTo(policy, {axis: axis.name, level: drop.l}),
      value: drop.value ?? NaN, low: drop.low, high: drop.high, mark: drop.holm ? "\u2605" : "", hint: drop.adjusted === null ? "" : `p = ${drop.adjusted.toPrecision(2)}, corrected`, tone: drop.pairs ? tone(drop) : "even",
      text: drop.pairs ? [h("b", {}, points(drop.value)), h("small", {}, ` [${points(drop.low)}, ${points(drop.high)}] n=${drop.pairs}`)] : h("small", {}, "no pairs"),
    };
  });
}
function sorted(rows) {
  const loss = (a, b) => (Number.isNaN(a.value) ? 9 : a.value) - (Number.isNaN(b.value) ? 9 : b.value);
  if (axisView.order === "loss") return rows.map(row => ({...row, group: null})).sort(loss);
  return [...rows].sort((a, b) => FAMILIES.indexOf(a.group) - FAMILIES.indexOf(b.group) || loss(a, b));
}
function axesTable(policy) {
  const columns = [{title: "axis"}, {title: "family"}, {title: "tested by"}, {title: "level 0", num: true},
    ...DATA.levels.map(level => ({title: `level ${level}`, num: true})), {title: "change", num: true, hint: "at the hardest level, percentage points"},
    {title: "area", num: true, hint: "mean success over the levels, relative to level 0"}, {title: "half at level", num: true, hint: "level at which success halves"}];
  const rows = drops(policy, "hardest").map(drop => {
    const axis = AXIS.get(drop.axis), severity = policy.stats.severity[axis.name];
    const area = severity && severity.area.value;
    return {cells: [{show: h("a", {href: linkTo(policy, {axis: axis.name})}, spaced(axis.name)), sort: axis.name, text: axis.name}, axis.family,
      {show: h("small", {title: axis.peers.join(", ")}, axis.peers.length ? plural(axis.peers.length, "benchmark") : "nobody"), sort: axis.peers.length, text: axis.peers.join(" ")},
      rateCell(policy, pooledCount(pooled(policy, axis.name, 0)), {axis: "none"}),
      ...DATA.levels.map(level => rateCell(policy, pooledCount(pooled(policy, axis.name, level)), {axis: axis.name, level})),
      drop.pairs ? {show: changeText(drop) + (drop.holm ? " \u2605" : ""), sort: drop.value, text: changeText(drop)} : null,
      area === null || area === undefined ? null : {show: [area.toFixed(2), h("small", {}, ` [${severity.area.low.toFixed(2)}, ${severity.area.high.toFixed(2)}]`)], sort: area, text: area.toFixed(3)},
      severity ? {show: severity.half === null ? halved(severity) : severity.said, sort: severity.half ?? 99, text: severity.said} : null]};
  });
  return table("axes-" + policy.name, columns, rows);
}

// Severity curves.
function halved(severity) {
  if (severity.half !== null) return `half at level ${severity.said}`;
  return severity.area.value === null ? "cannot tell" : `not halved by level ${Math.max(...DATA.levels)}`;
}
const curveView = {family: null};
function severitySection(policy) {
  const axes = AXES.filter(axis => axis.kind === "axis" && policy.stats.severity[axis.name]);
  if (!axes.length) return null;
  const families = FAMILIES.filter(family => axes.some(axis => axis.family === family));
  if (!families.includes(curveView.family)) curveView.family = families[0];
  const shown = POLICIES.filter(other => axes.some(axis => other.stats.severity[axis.name]));
  return [
    families.length > 1 ? h("div.tools", {}, choice(families.map(family => [family, family]), curveView.family, picked => { curveView.family = picked; redraw("severity"); }, "family of axes")) : null,
    legend(shown.map(other => [other.color, other.name])),
    h("div.panels", {}, axes.filter(axis => axis.family === curveView.family).map(axis => curve(policy, shown, axis))),
  ];
}
function curve(policy, shown, axis) {
  const series = shown.map(other => ({name: other.name, color: other.color, points: [0, ...DATA.levels].map(level => {
    const found = pooled(other, axis.name, level);
    return found && found[1] ? [level, found[0] / found[1], found[3], found[4], linkTo(other, {axis: level ? axis.name : "none", level})] : null;
  }).filter(Boolean)})).filter(one => one.points.length > 1);
  const severity = policy.stats.severity[axis.name];
  const scale = axis.levels.length ? DATA.levels.map(level => axis.levels[level - 1]).filter(size => size !== undefined).map(size => Number(size.toPrecision(4))).join(", ") + " " + axis.unit : "";
  return h("div.panel", {}, h("h3", {}, spaced(axis.name)), h("p.half", {title: "level at which success halves, with its 95 % interval"}, halved(severity)),
    h("p", {title: axis.summary}, axis.summary), levelPanel(series, [0, ...DATA.levels], `success by level of ${axis.name}`), h("p.scale", {}, scale));
}
