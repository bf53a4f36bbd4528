// The report: what all sections share, which policy is looked at, headline, and where the policy breaks.

const ALL = -1, OUTCOME = ["success", "failure", "error"];
const POLICIES = DATA.policies.map((policy, number) => {
  const cells = new Map(policy.cells.map(([t, a, l, k, n, e]) => [`${t}/${a}/${l}`, {k, n, e}]));
  return {...policy, number, cells, color: policy.role === "expert" ? "var(--expert)" : policy.role === "random" ? "var(--random)" : `var(--c${number % 5})`};
});
const AXES = DATA.axes, TASKS = DATA.tasks;
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
const interval = (k, n) => DATA.wilson[`${k}/${n}`] || [0, 1];
function rateText(count) {
  if (!count) return "";
  const errors = count.e ? ` +${count.e} err` : "";
  if (!count.n) return "no episode" + errors;
  const [low, high] = interval(count.k, count.n);
  return `${percent(count.k / count.n)} % [${percent(low)}, ${percent(high)}]${errors}`;
}
function linkTo(policy, where = {}) {
  const fields = [policy.name, where.task ?? "*", where.axis ?? "*", where.level ?? "*", where.reason ?? "*"];
  return "#episodes/" + fields.map(field => encodeURIComponent(field)).join("/");
}
const rateCell = (policy, count, where) => count && (count.n || count.e) ? {
  show: h("a.rate", {href: linkTo(policy, where)}, h("b", {}, count.n ? percent(count.k / count.n) + " %" : "none"),
    h("small", {}, count.n ? `${count.k}/${count.n} [${interval(count.k, count.n).map(percent).join(", ")}]` : "",
      count.e ? h("span.warn", {}, ` +${count.e} err`) : null)),
  sort: count.n ? count.k / count.n : null, text: rateText(count),
} : null;
function pooled(policy, axis, level) {
  return policy.stats.pooled[`${axis}/${level}`];
}
const pooledCount = found => found && {k: found[0], n: found[1], e: found[2]};
function magnitude(axis, level) {
  const size = axis.levels[level - 1];
  return size === undefined ? "" : `${Number(size.toPrecision(4))} ${axis.unit}`.trim();
}

// Headline.
const VERDICTS = {
  breaks: ["Breaks first on", "bad"], keeps: ["Keeps within 5 points on", "good"], unclear: ["Cannot tell for", "muted"],
};
function hero(policy) {
  const base = pooled(policy, 0, 0), verdict = policy.stats.verdict;
  const known = base && base[1];
  const lines = Object.entries(VERDICTS).filter(([kind]) => verdict[kind].length).map(([kind, [label, tone]]) =>
    h("p.verdict", {}, h("b", {class: tone}, label + " "), verdictList(policy, verdict[kind], kind), verdictTail(kind, verdict)));
  return [
    h("p.statement", {}, `In scenes like those it was trained on, `, h("b", {}, policy.name), known ? [" succeeds in ",
      h("b.big", {}, `${percent(base[0] / base[1])} %`), ` of ${plural(base[1], "episode")} [${percent(base[3])}, ${percent(base[4])}].`] : " was not run."),
    lines, cards(policy),
  ];
}
function verdictList(policy, items, kind) {
  const most = kind === "breaks" ? 5 : 6;
  return items.slice(0, most).map(([axis, level, value], at) => [at ? ", " : "",
    h("a", {href: linkTo(policy, {axis: AXES[axis].name, level})}, spaced(AXES[axis].name)), kind === "breaks" ? ` (${points(value)})` : ""]);
}
function verdictTail(kind, verdict) {
  const count = verdict[kind].length, most = kind === "breaks" ? 5 : 6, more = count > most ? ` and ${count - most} more` : "";
  if (kind === "breaks") return `${more}: ${plural(count, "axis", "axes")} of ${verdict.axes} lower success beyond chance, corrected for looking at all of them.`;
  if (kind === "unclear") return `${more}: their intervals hold both no change and a loss of more than 5 points.`;
  return more + ".";
}
function cards(policy) {
  const items = [], card = (what, big, small, tone) => items.push(h("div.card", {}, h("div.what", {}, what), h("div.big", {class: "big " + (tone || "")}, big), h("div.small", {}, small)));
  const worst = policy.stats.verdict.breaks[0];
  if (worst) card(`Largest loss: ${spaced(AXES[worst[0]].name)}, level ${worst[1]}`, `${points(worst[2])} pt`, magnitude(AXES[worst[0]], worst[1]), "bad");
  const follow = policy.stats.following;
  if (follow) card("Does what it is told (0 deaf, 1 obeys)", follow.index.toFixed(2), `[${follow.low.toFixed(2)}, ${follow.high.toFixed(2)}], index of following`);
  for (const [other, what] of [[EXPERT, "Ceiling: expert, all cells"], [RANDOM, "Floor: random, all cells"]]) {
    const all = other && other.stats.all;
    if (all && all[1]) card(what, `${percent(all[0] / all[1])} %`, `${all[0]}/${all[1]} [${percent(all[3])}, ${percent(all[4])}]`);
  }
  const safety = policy.stats.safety && policy.stats.safety[0];
  if (safety) card("Peak contact force, median and 90th percentile", `${short(safety.force[0])} N`, `${short(safety.force[1])} N, worst ${short(safety.force[2])} N`);
  return h("div.cards", {}, items);
}

// Forest plot of axes.
const axisView = {level: "hardest", order: "family"};
function axesSection(policy) {
  const rows = dropRows(policy, axisView.level);
  if (!rows.length) return null;
  const levels = [["hardest", "hardest level"], ...DATA.levels.map(level => [level, `level ${level}`])];
  return [
    h("div.tools", {},
      choice(levels, axisView.level, picked => { axisView.level = picked; redraw("axes"); }, "level"),
      choice([["family", "by family"], ["loss", "by loss"]], axisView.order, picked => { axisView.order = picked; redraw("axes"); }, "order")),
    h("div.panel.wide", {}, forest(sorted(rows))),
    h("p.note", {}, "\u2605 lowers success beyond chance (p < 0.05 after Holm\u2019s correction over all axes of this plot). Bars are 95 % intervals of the change against each episode\u2019s unperturbed twin."),
    fold("All numbers", axesTable(policy)),
  ];
}
function redraw(id) {
  const at = [...$("main").querySelectorAll("section")].findIndex(each => each.id === id);
  if (at >= 0) DRAWN[at]();
}
const fold = (title, ...parts) => h("details", {}, h("summary", {}, title), parts);
function dropRows(policy, level) {
  return policy.stats.drops.filter(drop => (level === "hardest" ? drop.hardest : drop.l === Number(level)) && AXES[drop.a].kind === "axis").map(drop => {
    const axis = AXES[drop.a];
    return {
      label: spaced(axis.name), note: `level ${drop.l}: ${magnitude(axis, drop.l)}`, group: axis.family, href: linkTo(policy, {axis: axis.name, level: drop.l}),
      value: drop.value, low: drop.low, high: drop.high, mark: drop.holm ? "\u2605" : "", hint: `p = ${drop.p === null ? "?" : drop.p.toPrecision(2)}`,
      tone: drop.high < 0 ? "bad" : drop.low > 0 ? "good" : "even",
      text: drop.pairs ? [h("b", {}, points(drop.value)), h("small", {}, ` [${points(drop.low)}, ${points(drop.high)}] ${drop.pairs} pairs`)] : "no pairs",
    };
  });
}
function sorted(rows) {
  const loss = (a, b) => (a.value ?? 9) - (b.value ?? 9);
  if (axisView.order === "loss") return rows.map(row => ({...row, group: null})).sort(loss);
  return [...rows].sort((a, b) => FAMILIES.indexOf(a.group) - FAMILIES.indexOf(b.group) || loss(a, b));
}
function axesTable(policy) {
  const columns = [{title: "axis"}, {title: "family"}, {title: "tested by"}, {title: "as trained", num: true},
    ...DATA.levels.map(level => ({title: `level ${level}`, num: true})), {title: "change", num: true, hint: "at the hardest level"},
    {title: "area", num: true, hint: "mean success over the levels, relative to level 0"}, {title: "half at", num: true, hint: "level at which success halves"}];
  const base = pooledCount(pooled(policy, 0, 0));
  const rows = AXES.map((axis, a) => {
    if (axis.kind === "base" || !policy.stats.drops.some(drop => drop.a === a)) return null;
    const drop = policy.stats.drops.find(each => each.a === a && each.hardest), severity = policy.stats.severity[a];
    return {cells: [{show: h("a", {href: linkTo(policy, {axis: axis.name})}, spaced(axis.name)), sort: axis.name, text: axis.name}, axis.family,
      {show: h("small", {}, axis.peers.join(", ") || "\u2013"), sort: axis.peers.length, text: axis.peers.join(" ")},
      rateCell(policy, base, {axis: "none"}),
      ...DATA.levels.map(level => rateCell(policy, pooledCount(pooled(policy, a, level)), {axis: axis.name, level})),
      drop && drop.pairs ? {show: `${points(drop.value)} [${points(drop.low)}, ${points(drop.high)}]${drop.holm ? " \u2605" : ""}`, sort: drop.value, text: `${points(drop.value)} [${points(drop.low)}, ${points(drop.high)}]`} : null,
      severity && severity.area !== null ? {show: severity.area.toFixed(2), sort: severity.area, text: severity.area.toFixed(3)} : null,
      severity ? {show: severity.said, sort: severity.half ?? 99, text: severity.said} : null]};
  }).filter(Boolean);
  return table("axes-" + policy.name, columns, rows);
}

// Severity curves.
const curveView = {family: null};
function severitySection(policy) {
  const axes = AXES.map((axis, a) => ({axis, a})).filter(({axis, a}) => axis.kind === "axis" && DATA.levels.some(level => pooled(policy, a, level)));
  if (!axes.length) return null;
  const families = FAMILIES.filter(family => axes.some(({axis}) => axis.family === family));
  if (!families.includes(curveView.family)) curveView.family = families[0];
  const shown = POLICIES.filter(other => other === policy || axes.some(({a}) => DATA.levels.some(level => pooled(other, a, level))));
  return [
    families.length > 1 ? h("div.tools", {}, choice(families.map(family => [family, family]), curveView.family, picked => { curveView.family = picked; redraw("severity"); }, "family of axes")) : null,
    legend(shown.map(other => [other.color, other.name])),
    h("div.panels", {}, axes.filter(({axis}) => axis.family === curveView.family).map(({axis, a}) => curve(policy, shown, axis, a))),
  ];
}
function curve(policy, shown, axis, a) {
  const series = shown.map(other => ({name: other.name, color: other.color, points: [0, ...DATA.levels].map(level => {
    const found = pooled(other, level ? a : 0, level);
    return found && found[1] ? [level, found[0] / found[1], found[3], found[4], linkTo(other, {axis: level ? axis.name : "none", level})] : null;
  }).filter(Boolean)})).filter(one => one.points.length > 1);
  const severity = policy.stats.severity[a];
  const scale = axis.levels.length ? `${DATA.levels.map(level => axis.levels[level - 1]).filter(size => size !== undefined).map(size => Number(size.toPrecision(4))).join(", ")} ${axis.unit}` : "";
  return h("div.panel", {}, h("h3", {}, spaced(axis.name), severity ? h("span.half", {title: "level at which success halves"}, severity.said) : null),
    h("p", {title: axis.summary}, axis.summary), levelPanel(series, [0, ...DATA.levels], `success by level of ${axis.name}`), h("p.scale", {}, scale));
}
