// The leaderboard: a table a suite, in which every number has its interval and every row its origin.

const NAMES = {trained: "as trained", perturbed: "all axes"};
function rateOf(found) {
  if (!found || found.value === null) return null;
  const ends = `[${percent(found.low)}, ${percent(found.high)}]`;
  return {show: [h("b", {}, `${percent(found.value)} %`), h("small", {title: `${found.k} of ${found.n} episodes, ${found.families} families`}, ends), meter(found)],
    sort: found.value, text: `${percent(found.value)} ${ends}`};
}
function meter(found) {
  return h("i.meter", {style: `--from:${100 * found.low}%;--to:${100 * found.high}%;--at:${100 * found.value}%`});
}
function board(name, policies) {
  const shown = DATA.columns.filter(column => policies.some(policy => policy.success[column]));
  const columns = [{title: "policy"}, ...shown.map(column => ({title: NAMES[column] || column, num: true})), {title: "axes that break", num: true},
    {title: "following", num: true}, {title: "episodes", num: true}, {title: "commit"}, {title: "weights"}, {title: "results"}, {title: "run"}];
  const rows = policies.map(policy => {
    const {breaks, axes} = policy.verdict, follow = policy.following;
    return {cells: [{show: [policy.policy, h("small", {}, " " + policy.source)], sort: policy.policy, text: policy.policy}, ...shown.map(column => rateOf(policy.success[column])),
      axes ? {show: `${breaks.length} of ${axes}`, sort: breaks.length, text: `${breaks.length}/${axes}`} : null,
      follow && follow.value !== null ? {show: [h("b", {}, follow.value.toFixed(2)), h("small", {}, `[${follow.low.toFixed(2)}, ${follow.high.toFixed(2)}]`)], sort: follow.value, text: follow.value.toFixed(3)} : null,
      {show: policy.episodes + (policy.errors ? ` +${policy.errors} err` : ""), sort: policy.episodes, text: policy.episodes}, policy.versions.commit || "?", policy.checkpoint || "none", policy.digest,
      {show: h("small", {}, `${policy.started}, ${policy.file}`), sort: policy.started, text: policy.started}]};
  });
  const [title, ...rest] = name.split(", ");
  return h("section", {}, h("h2", {}, title), h("p.lead", {}, rest.join(", ")), table("leaderboard-" + title.replaceAll(" ", "-"), columns, rows));
}
theme(remembered("theme"));
document.body.prepend(h("nav", {}, h("div.links", {}, "Leaderboard"), h("button.theme", {type: "button", "aria-label": "light or dark", onclick: toggleTheme}, "\u25d0")));
$("main").append(h("header.top", {}, h("h1", {}, "Leaderboard"),
  h("p.statement", {}, "Mean success over task families, each of which counts the same, with 95 % intervals by drawing families again. Only rows of one table are comparable: their episodes are the same.")),
  ...Object.entries(DATA.suites).map(([name, policies]) => board(name, policies)),
  h("p.note", {}, `Written ${DATA.made.date} by `, h("code", {}, DATA.made.command), `, commit ${DATA.made.commit || "?"}. An axis breaks where success falls beyond chance after Holm\u2019s correction.`));
