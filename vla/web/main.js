// Puts the page together: bar, sections in the order in which they are told, films.

function gallerySection() {
  const clips = DATA.clips || [];
  if (!clips.length) return null;
  const tags = clip => [clip.outcome, clip.policy, clip.task, clip.axis];
  const figures = clips.map(clip => film(clip));
  const groups = [0, 1, 2, 3].flatMap(at => { const names = [...new Set(clips.map(clip => tags(clip)[at]))].filter(name => name !== "none"); return names.length > 1 ? names : []; });
  const pick = tag => figures.forEach((figure, at) => { figure.hidden = tag !== "all" && !tags(clips[at]).includes(tag); if (figure.hidden) figure.querySelector("video").pause(); });
  return [h("div.tools", {}, choice([["all", `all (${clips.length})`], ...groups.map(name => [name, spaced(name)])], "all", pick, "clips")), h("div.gallery", {}, figures)];
}
function film(clip) {
  const video = h("video", {controls: true, muted: true, loop: true, playsinline: true, preload: "none", width: clip.width, height: clip.height, poster: clip.poster, src: clip.video});
  video.muted = true;
  const policy = POLICIES.find(each => each.name === clip.policy), at = rowOf(policy, clip.key);
  const actions = [h("a", {href: linkTo(policy, {task: clip.task, axis: clip.axis, level: clip.level})}, "its cell")];
  if (at !== undefined && hasPoses(policy, at)) actions.unshift(h("a.turn", {href: linkTo(policy, {task: clip.task, axis: clip.axis, level: clip.level}) + "/" + encodeURIComponent(clip.key)}, "turn it in 3D"));
  return h("figure.film", {"data-outcome": clip.outcome}, video, h("figcaption", {}, h("span.say", {}, clip.words ? `\u201c${clip.words}\u201d` : h("i", {}, "no instruction")),
    h("span", {class: "badge " + clip.outcome}, clip.outcome), clip.outcome === "success" ? null : h("span.reason", {}, spaced(clip.reason)),
    h("small", {}, [clip.policy, clip.task, clip.axis === "none" ? "as trained" : `${spaced(clip.axis)} ${clip.level}`, `episode ${clip.index}`].join(" \u00b7 ")), h("p.actions", {}, actions.map((action, number) => [number ? " \u00b7 " : "", action]))));
}

const TOLD = [
  ["axes", "Where it breaks", "Each axis changes one thing about the scene and leaves the rest of the episode as it was, so every perturbed episode is compared with its unperturbed twin on the same seed.", axesSection, "Axes"],
  ["severity", "How fast it breaks", "Success by level with 95 % bands: level 0 is the training distribution, level 3 what the literature tests, level 5 beyond it.", severitySection, "Severity"],
  ["heat", "Families and axes", "Success in percent, episodes below it. Press a cell for its episodes.", heatSection, "Heat map"],
  ["pairs", "Axes together", "What axes cost together beyond what is expected of each alone, with 95 % intervals.", pairsSection, "Pairs"],
  ["language", "Does it listen?", "A policy that listens fails when its words are taken away, and does the other thing when they speak of another goal of the same scene.", languageSection, "Language"],
  ["failures", "Why it fails", "Reasons out of a closed list, found from the simulator\u2019s state.", failuresSection, "Failures"],
  ["safety", "Is it safe?", "Measured in every control step, over all episodes.", safetySection, "Safety"],
  ["compare", "Policies against one another", "Paired by episode: both policies started from the same state.", compareSection, "Policies"],
  ["families", "Success by family", "New scenes like those of training, of seeds that no demonstration has. Rate, successes/episodes, 95 % Wilson interval.", tasksSection, "Families"],
  ["gallery", "What it looks like", "Drawn again from stored poses; beside it the expert from the same start where there is one.", gallerySection, "Films"],
  ["training", "Training", "", trainingSection, "Training"],
  ["reproduce", "How to get these numbers again", "An episode\u2019s first state is a function of seed, task, axis, level and number alone. The same command on the same machine gives the same result digest, whatever the number of workers.", originSection, "Reproduce"],
];

function bar() {
  const links = TOLD.filter(([id]) => !$(id).hidden).map(([id, , , , short]) => h("a", {href: "#" + id}, short));
  const pick = POLICIES.length > 1 ? h("label.who", {}, "about ", h("select", {id: "who", onchange: event => look(Number(event.target.value))}, POLICIES.map(policy => h("option", {value: policy.number, selected: policy === subject.policy}, policy.name)))) : null;
  return h("nav", {}, h("div.links", {}, links), pick, h("button.theme", {type: "button", "aria-label": "light or dark", title: "light or dark", onclick: toggleTheme}, "\u25d0"));
}
function start() {
  theme(remembered("theme"));
  const top = h("header.top");
  const draw = () => top.replaceChildren(h("p.kicker", {}, `${DATA.suite.name} v${DATA.suite.version} \u00b7 seed ${DATA.suite.seed} \u00b7 ${plural(subject.policy.episodes.t.length, "episode")}${subject.policy.missing ? `, ${subject.policy.missing} not run yet` : ""} \u00b7 hash ${DATA.suite.hash}`),
    h("h1", {}, "How far does ", h("em", {}, subject.policy.name), " generalize?"), ...hero(subject.policy).flat());
  $("main").append(top);
  draw();
  TOLD.forEach(([id, title, text, make]) => section(id, title, text, make));
  DRAWN.push(draw);
  const links = () => { document.querySelector("nav")?.remove(); document.body.prepend(bar()); };
  links();
  DRAWN.push(links);
  document.body.append(drawer);
  openDrawer();
}
start();
