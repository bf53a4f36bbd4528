// Sections on cells, pairs of axes, language, failures, safety, policies, tasks, training, provenance.

// Heat map of families and axes.
const heatView = {level: ALL, show: "rate"};
function heatSection(policy) {
  const axes = AXES.map((axis, a) => ({axis, a})).filter(({axis}) => axis.kind !== "pair")
    .sort((one, two) => (one.a ? 1 + FAMILIES.indexOf(one.axis.family) : 0) - (two.a ? 1 + FAMILIES.indexOf(two.axis.family) : 0));
  if (axes.length < 2) return null;
  const levels = [[ALL, "all levels"], ...DATA.levels.map(level => [level, `level ${level}`])];
  return [
    h("div.tools", {}, choice(levels, heatView.level, picked => { heatView.level = Number(picked); redraw("heat"); }, "level"), heatKey()),
    h("div.scroll.heatbox", {tabindex: 0, role: "region", "aria-label": "heat map"}, heatTable(policy, axes)),
    exports("heat-" + policy.name, () => heatTexts(policy, axes)),
  ];
}
function heatKey() {
  return h("div.key", {}, [0, 0.25, 0.5, 0.75, 1].map(share => h("i", {style: heatStyle(share), class: "v" + deep(share)}, percent(share))),
    h("span", {}, h("i.na"), "does not apply"), h("span", {}, h("i.cant"), "expert fails too"), h("span", {}, h("i.floor"), "random does as well"));
}
const deep = share => (share > 0.55 ? " deep" : ""); // white letters are read on it
const heatStyle = share => `--v:${share.toFixed(2)}`;
const heatLevel = axis => (axis.kind === "base" ? 0 : axis.kind === "control" ? ALL : heatView.level);
const heatCount = (policy, t, a) => policy.cells.get(`${t}/${a}/${heatLevel(AXES[a])}`);
function heatTable(policy, axes) {
  const head = h("tr", {}, h("th"), TASKS.map(task => h("th", {}, h("span", {}, task))));
  let family = null;
  const rows = axes.flatMap(({axis, a}) => {
    const new_group = axis.kind !== "base" && axis.family !== family;
    family = axis.kind === "base" ? null : axis.family;
    const row = h("tr", {}, h("th", {}, h("a", {href: linkTo(policy, {axis: axis.name})}, axis.kind === "base" ? "as trained" : spaced(axis.name))),
      TASKS.map((task, t) => heatCell(policy, task, t, axis, a)));
    return new_group ? [h("tr.group", {}, h("th", {colspan: TASKS.length + 1}, h("i", {class: "swatch f-" + family}), family)), row] : [row];
  });
  return h("table.heat", {}, h("thead", {}, head), h("tbody", {}, rows));
}
function heatCell(policy, task, t, axis, a) {
  if (WITHOUT.has(`${t}/${a}`)) return h("td.na", {title: `${spaced(axis.name)} means nothing for ${task}`});
  const count = heatCount(policy, t, a);
  if (!count) return h("td");
  const ceiling = EXPERT && EXPERT !== policy && heatCount(EXPERT, t, a), floor = RANDOM && RANDOM !== policy && heatCount(RANDOM, t, a);
  const share = count.n ? count.k / count.n : null;
  const marks = (ceiling && ceiling.n && ceiling.k / ceiling.n <= 0.5 ? " cant" : "") + (floor && floor.n && share !== null && floor.k && floor.k / floor.n >= share ? " floor" : "");
  const said = other => (other ? rateText(other) : "not run");
  const level = heatLevel(axis);
  return h("td", {class: "v" + deep(share) + marks, style: share === null ? null : heatStyle(share),
    title: `${task}, ${spaced(axis.name)}: ${rateText(count)} (${count.k}/${count.n}); expert ${said(ceiling)}; random ${said(floor)}`},
  h("a", {tabindex: -1, href: linkTo(policy, {task, axis: axis.name, level: level === ALL ? "*" : level})}, share === null ? "err" : percent(share), h("small", {}, count.n)));
}
function heatTexts(policy, axes) {
  return [["axis", ...TASKS], ...axes.map(({axis, a}) => [axis.name, ...TASKS.map((task, t) => {
    const count = heatCount(policy, t, a);
    return count ? `${count.k}/${count.n}` : "";
  })])];
}

// Several axes at once.
function pairsSection(policy) {
  const rows = policy.stats.interactions.map(pair => {
    const known = pair.value !== null;
    return {
      label: spaced(pair.axis.replaceAll("+", " + ")), note: `level ${pair.l}: together ${points(pair.together)}` + (known ? `, expected ${points(pair.apart)}` : ""),
      href: linkTo(policy, {axis: pair.axis, level: pair.l}), value: known ? pair.value : NaN, low: pair.low, high: pair.high, tone: known ? tone(pair) : "even",
      text: known ? [h("b", {}, points(pair.value)), h("small", {}, ` [${points(pair.low)}, ${points(pair.high)}] n=${pair.n}`)] : h("small", {}, "cannot tell"),
    };
  });
  if (!rows.length) return null;
  return [h("div.panel.wide", {}, forest(rows)), h("p.note", {}, "Left of zero: together the axes cost more than they would if each left its own share of what succeeds. Intervals weight scenes at random.")];
}

// Language.
const confusionView = {by: "colour"};
function languageSection(policy) {
  const follow = policy.stats.following, controls = AXES.filter(axis => axis.kind === "control" && POLICIES.some(other => pooled(other, axis.name, 1)));
  const heard = POLICIES.filter(other => other.stats.following), parts = [];
  if (heard.length) parts.push(h("div.panel", {}, h("h3", {}, "Index of following"), forest(heard.map(other => indexRow(other.name, other.stats.following, other)), INDEX),
    h("p.scale", {}, "How much more often it reaches what it is told than what it is not told, over twins of one scene with two instructions." + (EXPERT ? " The scripted expert is given the goal, not the words, so its index is 0." : ""))));
  const matrix = confusion(policy);
  if (matrix) parts.push(matrix);
  if (follow && follow.families.length > 1) parts.push(h("div.panel.full", {}, h("h3", {}, `Index by family, ${policy.name}`), forest(follow.families.map(each => indexRow(each.task, each, policy, each.task)), INDEX)));
  if (controls.length) parts.push(controlsTable(controls));
  return parts.length ? [h("div.panels.two", {}, parts)] : null;
}
const INDEX = {low: -1, high: 1, ticks: [-1, 0, 1], unit: "", tick: value => value.toFixed(1).replace("-", "\u2212")};
function indexRow(label, found, policy, task) {
  const known = found.value !== null;
  return {label, href: linkTo(policy, {axis: "swapped", task}), value: known ? found.value : NaN, low: found.low ?? -1, high: found.high ?? 1, tone: known && found.low > 0 ? "good" : "even",
    text: known ? [h("b", {}, signed(found.value)), h("small", {}, ` [${signed(found.low)}, ${signed(found.high)}] n=${found.n}`)] : h("small", {}, "cannot tell")};
}
function controlsTable(controls) {
  const columns = [{title: "policy"}, {title: "as it is", num: true}, ...controls.map(axis => ({title: axis.name, num: true, hint: axis.summary}))];
  const rows = POLICIES.filter(policy => controls.some(axis => pooled(policy, axis.name, 1))).map(policy => ({cells: [policy.name,
    rateCell(policy, pooledCount(pooled(policy, "none", 0)), {axis: "none"}),
    ...controls.map(axis => rateCell(policy, pooledCount(pooled(policy, axis.name, 1)), {axis: axis.name}))]}));
  return h("div.panel.full", {}, h("h3", {}, "Controls: success when the words are changed"), table("controls", columns, rows));
}
const PART = {colour: name => name.split(" ")[0], kind: name => name.split(" ").slice(1).join(" ") || name, object: name => name};
function confusion(policy) {
  const {named, touched, counts} = policy.stats.confusion, part = PART[confusionView.by], cells = new Map(), rows = new Map();
  if (!named.length) return null;
  const part1 = name => (name === "nothing" ? name : part(name));
  counts.forEach((row, i) => row.forEach((count, j) => {
    const [one, two] = [part(named[i]), part1(touched[j])], key = one + "|" + two;
    rows.set(one, (rows.get(one) || 0) + count);
    cells.set(key, (cells.get(key) || 0) + count);
  }));
  const most = [...rows].sort((one, two) => two[1] - one[1]).slice(0, 10).map(([name]) => name);
  const shown = row => most.reduce((sum, column) => sum + (cells.get(row + "|" + column) || 0), 0);
  const cell = (row, column) => (column === "other" ? rows.get(row) - shown(row) - (cells.get(row + "|nothing") || 0) : cells.get(row + "|" + column) || 0);
  const columns = [...most, "other", "nothing"];
  return h("div.panel", {}, h("h3", {}, `Named against touched first, ${policy.name}`),
    choice(Object.keys(PART).map(by => [by, by]), confusionView.by, picked => { confusionView.by = picked; redraw("language"); }, "names by"),
    h("div.scroll", {}, h("table.heat.confusion", {}, h("thead", {}, h("tr", {}, h("th", {}, "named \u2193 touched \u2192"), columns.map(name => h("th", {}, h("span", {}, name))))),
      h("tbody", {}, most.map(row => h("tr", {}, h("th", {}, row), columns.map(column => {
        const share = cell(row, column) / rows.get(row);
        return h("td", {style: heatStyle(share), title: `${cell(row, column)} of ${rows.get(row)}`, class: "v" + deep(share) + (row === column ? " diagonal" : "")}, share ? percent(share) : "");
      })))))), h("p.scale", {}, "Percent of the episodes that name the row\u2019s object, as trained and with swapped instructions."));
}

// Why it fails.
const failureView = {of: "all"};
const reasonColor = number => (number && number <= DATA.failures ? `var(--r${number})` : "var(--r0)");
function failuresSection(policy) {
  if (!POLICIES.some(other => other.episodes.r.some(Boolean))) return null;
  const seen = new Set(POLICIES.flatMap(other => [...reasonCounts(other, null).keys()]));
  const used = DATA.reasons.map((text, number) => number).filter(number => number && seen.has(number));
  const axes = AXES.map((axis, a) => failureRow(axis.kind === "base" ? "as trained" : spaced(axis.name), policy, axis.name, reasonCounts(policy, a), used));
  return [
    h("div.tools", {}, choice([["all", "share of all episodes"], ["failed", "share of failed ones"]], failureView.of, picked => { failureView.of = picked; redraw("failures"); }, "share of")),
    legend(used.map(number => [reasonColor(number), spaced(DATA.reasons[number])])),
    h("div.panel.wide.bars", {}, POLICIES.map(other => failureRow(other.name, other, "*", reasonCounts(other, null), used))),
    fold(`By axis, ${policy.name}`, h("div.panel.wide.bars", {}, axes)),
  ];
}
// How often each reason was given under an axis (null: all of them); 0 is success. Counted once a policy.
const counted = new Map();
function reasonCounts(policy, axis) {
  if (!counted.has(policy.number)) {
    const found = new Map([[null, new Map()], ...AXES.map((_, a) => [a, new Map()])]), {a, r} = policy.episodes;
    const add = (counts, number) => counts.set(number, (counts.get(number) || 0) + 1);
    r.forEach((number, at) => { add(found.get(null), number); add(found.get(a[at]), number); });
    counted.set(policy.number, found);
  }
  return counted.get(policy.number).get(axis);
}
function failureRow(label, policy, axis, counts, used) {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0), good = counts.get(0) || 0;
  if (!all) return null;
  const total = failureView.of === "all" ? all : all - good || 1;
  const parts = used.filter(number => counts.has(number)).map(number => ({share: counts.get(number) / total, color: reasonColor(number),
    title: `${spaced(DATA.reasons[number])}: ${counts.get(number)} of ${total}`, href: linkTo(policy, {axis, reason: DATA.reasons[number]})}));
  if (failureView.of === "all") parts.push({share: good / total, color: "var(--rest)", title: `success: ${good} of ${total}`});
  return h("div.barrow", {}, h("span.name", {}, label), stack(parts), h("span.text", {}, `${all - good}/${all}`));
}

// Safety.
const HITS = [["table", "table hit"], ["bystander", "bystander hit"], ["limit", "joint limit"], ["off", "knocked off"]];
function safetySection(policy) {
  const found = POLICIES.filter(other => other.stats.safety.length);
  if (!found.length) return null;
  const columns = [{title: "policy"}, {title: "peak force, median (N)", num: true}, {title: "90 %", num: true}, {title: "worst", num: true},
    ...HITS.map(([, title]) => ({title, num: true})), {title: "path (m)", num: true}, {title: "jerk (m/s\u00b3)", num: true}];
  const row = (name, group, other, where) => ({cells: [name, ...group.force.map(short1), ...HITS.map(([key]) => rateCell(other, pooledCount(group[key]), where)), short1(group.path), short1(group.jerk)]});
  const axes = policy.stats.safety.slice(1).map(group => row(group.axis === "none" ? "as trained" : spaced(group.axis), group, policy, {axis: group.axis}));
  return [table("safety", columns, found.map(other => row(other.name, other.stats.safety[0], other, {}))),
    axes.length ? fold(`By axis, ${policy.name}`, table("safety-" + policy.name, [{title: "axis"}, ...columns.slice(1)], axes)) : null];
}
const short1 = number => (number === null ? null : {show: short(number), sort: number, text: short(number)});

// Policies against one another.
function compareSection(policy) {
  const {pairs, standings} = DATA.comparisons;
  if (!pairs.length) return null;
  const columns = [{title: "first"}, {title: "second"}, {title: "first \u2212 second", num: true}, {title: "p", num: true, hint: "exact, scenes as units"},
    {title: "P(first better)", num: true}, {title: "pairs", num: true}, {title: "verdict"}];
  const rows = pairs.map(each => ({cells: [each.first, each.second, {show: changeText(each), sort: each.value, text: changeText(each)},
    {show: each.p < 0.001 ? "< 0.001" : each.p.toFixed(3), sort: each.p, text: String(each.p)},
    {show: each.better.toFixed(3), sort: each.better, text: each.better.toFixed(4)}, each.n, {show: h("span.wrap", {}, each.said), sort: each.said, text: each.said}]}));
  const rank = standings.map(each => ({cells: [each.policy, rateCell(POLICIES.find(other => other.name === each.policy), pooledCount(each.rate), {}), each.letters]}));
  return [h("div.panels.two", {}, h("div.panel", {}, h("h3", {}, "Standing"), table("standing", [{title: "policy"}, {title: "success, all but controls", num: true}, {title: "letters"}], rank),
    h("p.scale", {}, "Policies that share a letter cannot be told apart on the episodes that both ran.")), ...pairs.filter(each => [each.first, each.second].includes(policy.name)).map(each => contrastPanel(policy, each))),
  h("div.gap", {}, table("comparison", columns, rows))];
}
const FULL = {low: -1, high: 1, ticks: [-1, 0, 1]};
// The axes of one pair as seen from the policy that is looked at, the largest disadvantage first.
function contrastPanel(policy, pair) {
  const sign = pair.first === policy.name ? 1 : -1, other = sign > 0 ? pair.second : pair.first;
  const rows = Object.entries(pair.axes).map(([axis, found]) => {
    const [low, high] = sign > 0 ? [found.low, found.high] : [-found.high, -found.low], each = {value: sign * found.value, low, high};
    return {label: axis === "none" ? "as trained" : spaced(axis.replaceAll("+", " + ")), href: linkTo(policy, {axis}), ...each, mark: found.p <= 0.05 ? "\u2605" : "", hint: `p = ${found.p.toPrecision(2)}, corrected`,
      tone: tone(each), text: [h("b", {}, points(each.value)), h("small", {}, ` [${points(low)}, ${points(high)}] n=${found.n}`)]};
  }).sort((a, b) => a.value - b.value);
  const most = 8;
  return h("div.panel", {}, h("h3", {}, `${policy.name} against ${other}`), h("p", {}, pair.said + "."), forest(rows.slice(0, most), FULL),
    rows.length > most ? fold(`${rows.length - most} more axes`, forest(rows.slice(most), FULL)) : null);
}

// Families, as trained.
function tasksSection() {
  const columns = [{title: "family"}, ...POLICIES.map(policy => ({title: policy.name, num: true}))];
  const row = (name, count, where) => ({cells: [name, ...POLICIES.map(policy => rateCell(policy, count(policy), where))]});
  const all = {...row("all families", policy => pooledCount(pooled(policy, "none", 0)), {axis: "none"}), kind: "all"};
  const rows = [all, ...TASKS.map((task, t) => row(task, policy => policy.cells.get(`${t}/0/0`), {task, axis: "none"}))];
  return [table("families", columns, rows), rowsInARow()];
}
function rowsInARow() {
  const found = POLICIES.flatMap(policy => policy.stats.in_a_row.map(each => ({policy, each})));
  if (!found.length) return null;
  const longest = Math.max(...found.map(({each}) => each.rates.length));
  const columns = [{title: "policy"}, {title: "family"}, {title: "parts in a row, mean", num: true}, ...Array.from({length: longest}, (_, at) => ({title: `at least ${at + 1}`, num: true}))];
  return h("div.gap", {}, h("h3", {}, "Several parts: done in a row"), table("in-a-row", columns, found.map(({policy, each}) => ({cells: [policy.name, each.task,
    each.average === null ? null : {show: each.average.toFixed(2), sort: each.average, text: each.average.toFixed(2)},
    ...Array.from({length: longest}, (_, at) => each.rates[at] && rateCell(policy, pooledCount(each.rates[at]), {task: each.task, axis: "none"}))]}))));
}

// Training and provenance.
function trainingSection() {
  const training = DATA.training;
  if (!training) return null;
  const curves = list => list.map((curve, number) => ({...curve, color: `var(--c${number % 5})`}));
  const panel = (title, list, share) => list.length ? h("div.panel", {}, h("h3", {}, title), legend(curves(list).map(curve => [curve.color, curve.name])), curvePanel(curves(list), title, share)) : null;
  return [h("p.note", {}, training.said), h("div.panels.two", {}, panel("Loss by training step", training.losses), panel("Quick checks in the simulator", training.checks, true)),
    training.config ? fold("Configuration", h("pre", {}, training.config)) : null];
}
function originSection() {
  const fact = (name, text) => (text ? [h("dt", {}, name), h("dd", {}, text)] : []);
  return [...POLICIES.map(policy => h("div.panel.wide.origin", {}, h("h3", {}, policy.name), commandLine(policy.ran), h("dl", {},
    fact("suite", `${policy.suite.name} v${policy.suite.version}, seed ${policy.suite.seed}, hash ${policy.suite.hash}`),
    fact("weights", policy.checkpoint), fact("results", policy.digest), fact("machine", policy.machine), fact("started", policy.started),
    fact("simulated", `${policy.steps} steps in ${policy.wall_s} s`), fact("missing", policy.missing ? `${policy.missing} not run yet` : ""),
    fact("versions", Object.entries(policy.versions).map(pair => pair.join(" ")).join(", "))),
  policy.errors.length ? fold(plural(policy.errors.length, "traceback"), policy.errors.map(([key, text]) => [h("p", {}, h("code", {}, key)), h("pre", {}, text)])) : null)),
  h("p.note", {}, `Written ${DATA.made.date} by `, h("code", {}, DATA.made.command), `, commit ${DATA.made.commit || "?"}.`)];
}
function commandLine(text) {
  const button = h("button.copy", {type: "button", onclick: () => copyText(text, button)}, "Copy");
  return h("div.command", {}, h("code", {}, text), button);
}
