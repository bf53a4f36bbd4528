// The stage of the player: one or two views, a slider, and the list of episodes behind every number of the page.

function keyOf(policy, at) {
  const {t, a, l, i} = policy.episodes, seed = policy.suite.seed;
  const axes = AXES[a[at]].name.split("+").map(name => `${name}.${l[at]}`).join("+");
  return `eval-${seed}-${TASKS[t[at]]}-${axes}-${String(i[at]).padStart(5, "0")}`;
}
const whereIs = new Map(); // policy number -> key -> row
function rowOf(policy, key) {
  if (!whereIs.has(policy.number)) whereIs.set(policy.number, new Map(policy.episodes.t.map((_, at) => [keyOf(policy, at), at])));
  return whereIs.get(policy.number).get(key);
}
// Who else has poses of the same episode: the expert first.
function partners(policy, key) {
  return POLICIES.filter(other => other !== policy && (LOADED.poses.has(`${other.name}/${key}`) || hasRow(other, key))).sort((a, b) => (b.role === "expert") - (a.role === "expert"));
}
function hasRow(policy, key) {
  const at = rowOf(policy, key);
  return at !== undefined && hasPoses(policy, at);
}

class Theatre {
  constructor() {
    this.views = [0, 1].map(() => { const canvas = h("canvas"); return {canvas, view: null, label: h("figcaption")}; });
    this.frame = h("div.stages", {}, this.views.map(each => h("figure", {}, each.canvas, each.label)));
    this.slider = h("input", {type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "time", oninput: () => this.seek(Number(this.slider.value))});
    this.button = h("button.play", {type: "button", "aria-label": "play", onclick: () => this.toggle()}, "\u25b6");
    this.clock = h("span.clock");
    this.speed = h("select", {"aria-label": "speed"}, [0.25, 0.5, 1, 2, 4].map(pace => h("option", {value: pace, selected: pace === 1}, pace + "\u00d7")));
    this.partner = h("select", {"aria-label": "beside it", onchange: () => this.beside(this.partner.value)});
    this.home = h("button", {type: "button", title: "the front camera of the scene", onclick: () => { this.camera = orbit(this.data.camera); this.draw(); }}, "Front view");
    this.words = h("p.said");
    this.box = h("div.theatre", {hidden: true}, this.words, this.frame, h("div.controls", {}, this.button, this.slider, this.clock, this.speed, this.home, h("label", {}, "beside ", this.partner)));
    this.time = 0;
    this.playing = false;
    this.views.forEach(each => this.steer(each.canvas));
    addEventListener("resize", () => this.draw());
  }
  async open(policy, key, caption) {
    this.pause();
    this.box.hidden = false;
    this.policy = policy;
    this.key = key;
    this.words.textContent = "Loading ...";
    try {
      this.data = await posesOf(policy, key);
      await this.stage(0, policy, this.data);
    } catch (error) { this.words.textContent = "This episode cannot be played: " + error.message; return; }
    this.camera = orbit(this.data.camera);
    const others = partners(policy, key);
    this.partner.replaceChildren(h("option", {value: ""}, "nobody"), ...others.map(other => h("option", {value: other.name}, other.name)));
    this.partner.value = others.length ? others[0].name : "";
    await this.beside(this.partner.value);
    this.seek(0);
    this.play();
  }
  async stage(number, policy, data) {
    const each = this.views[number];
    each.view ??= new View(each.canvas);
    await each.view.show(data);
    each.label.replaceChildren(h("b", {}, policy.name), h("span", {class: "badge " + data.outcome}, data.outcome), h("span", {}, data.outcome === "success" ? "" : spaced(data.reason)), h("span", {}, `${data.steps} steps`));
  }
  async beside(name) {
    const second = this.views[1], other = POLICIES.find(each => each.name === name);
    second.canvas.parentNode.hidden = !other;
    second.shown = Boolean(other);
    if (other) await this.stage(1, other, await posesOf(other, this.key));
    this.length = Math.max(...this.live().map(each => each.view.data.steps), 1);
    this.slider.max = this.length;
    this.seek(Math.min(this.time, this.length));
  }
  live() { return this.views.filter((each, number) => each.view && (number === 0 || each.shown)); }
  seek(time) {
    this.time = time;
    this.slider.value = time;
    this.clock.textContent = `${Math.round(time)}/${this.length}`;
    const lines = this.data.said.filter(([from]) => from <= time);
    const text = (lines[lines.length - 1] || [0, ""])[1];
    this.words.replaceChildren(text ? `\u201c${text}\u201d` : h("i", {}, "nothing is said"));
    this.draw();
  }
  draw() {
    if (!this.camera) return;
    for (const {view} of this.live()) view.draw(Math.min(this.time, view.data.steps), this.camera);
  }
  toggle() { if (this.playing) this.pause(); else this.play(); }
  play() {
    if (this.time >= this.length) this.seek(0);
    this.playing = true;
    this.button.textContent = "\u2016";
    let last = performance.now();
    const tick = now => {
      if (!this.playing) return;
      const time = Math.min(this.length, this.time + Math.max(0, now - last) / 1000 * this.data.hz * Number(this.speed.value)); // the first moment may lie before the click
      last = now;
      this.seek(time);
      if (time >= this.length) this.pause();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }
  pause() {
    this.playing = false;
    this.button.textContent = "\u25b6";
  }
  steer(canvas) {
    const fingers = new Map();
    canvas.addEventListener("pointerdown", event => { fingers.set(event.pointerId, event); canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", event => {
      const before = fingers.get(event.pointerId);
      if (!before || !this.camera) return;
      fingers.set(event.pointerId, event);
      if (fingers.size > 1) return;
      this.camera.azimuth -= (event.clientX - before.clientX) * 0.008;
      this.camera.elevation = Math.min(1.5, Math.max(-0.1, this.camera.elevation + (event.clientY - before.clientY) * 0.006));
      this.draw();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, event => fingers.delete(event.pointerId));
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      this.camera.distance = Math.min(6, Math.max(0.2, this.camera.distance * Math.exp(event.deltaY * 0.001)));
      this.draw();
    }, {passive: false});
  }
}

// The list behind a number, in a drawer. Its address is the page's hash, so that it can be sent to somebody.
const theatre = new Theatre();
const drawer = h("aside.drawer", {hidden: true, tabindex: -1, "aria-label": "episodes"});
const PAGE = 50;
function openDrawer() {
  const found = location.hash.match(/^#episodes\/(.+)$/);
  if (!found) { closeDrawer(); return; }
  const [name, task, axis, level, reason, key] = found[1].split("/").map(decodeURIComponent);
  const policy = POLICIES.find(each => each.name === name);
  if (!policy) return;
  fillDrawer(policy, {task, axis, level, reason});
  document.body.classList.add("open");
  drawer.hidden = false;
  drawer.focus({preventScroll: true});
  if (key) theatre.open(policy, key);
}
function closeDrawer() {
  theatre.pause();
  theatre.box.hidden = true;
  drawer.hidden = true;
  document.body.classList.remove("open");
  if (location.hash.startsWith("#episodes/")) history.replaceState(null, "", location.pathname + location.search);
}
function matching(policy, {task, axis, level, reason}) {
  const {t, a, l, r} = policy.episodes, wild = text => text === "*" || text === undefined;
  const task_n = TASKS.indexOf(task), axis_n = AXES.findIndex(each => each.name === axis), reason_n = DATA.reasons.indexOf(reason);
  const rows = [];
  for (let at = 0; at < t.length; at++)
    if ((wild(task) || t[at] === task_n) && (wild(axis) || a[at] === axis_n) && (wild(level) || l[at] === Number(level)) && (wild(reason) || r[at] === reason_n)) rows.push(at);
  return rows;
}
function fillDrawer(policy, where) {
  const rows = matching(policy, where), named = text => text !== "*" && text !== undefined;
  const title = [named(where.task) ? where.task : "all families", named(where.axis) ? (where.axis === "none" ? "as trained" : spaced(where.axis)) : "all axes",
    named(where.level) && where.level !== "0" ? `level ${where.level}` : null, named(where.reason) ? spaced(where.reason) : null].filter(Boolean).join(", ");
  const list = h("div.episodes"), state = {outcome: "all", shown: PAGE};
  const draw = () => {
    const kept = rows.filter(at => state.outcome === "all" || OUTCOME[policy.episodes.o[at]] === state.outcome);
    list.replaceChildren(...kept.slice(0, state.shown).map(at => episodeRow(policy, at, where)),
      ...(kept.length > state.shown ? [h("button.more", {type: "button", onclick: () => { state.shown += 4 * PAGE; draw(); }}, `Show more (${kept.length - state.shown} left)`)] : []));
  };
  const counts = OUTCOME.map((outcome, number) => [outcome, rows.filter(at => policy.episodes.o[at] === number).length]).filter(([, count]) => count);
  draw();
  const others = POLICIES.length > 1 ? h("p.others", {}, POLICIES.map(other => h("a", {href: linkTo(other, where), class: other === policy ? "here" : null}, h("i", {style: `background:${other.color}`}), other.name))) : null;
  drawer.replaceChildren(h("header", {}, h("div", {}, h("h2", {}, title), others), h("button.close", {type: "button", "aria-label": "close", onclick: closeDrawer}, "\u00d7")),
    theatre.box, commandLine(cellCommand(policy, where)),
    choice([["all", `all ${rows.length}`], ...counts.map(([outcome, count]) => [outcome, `${outcome} ${count}`])], "all", picked => { state.outcome = picked; state.shown = PAGE; draw(); }, "outcome"), list);
}
function cellCommand(policy, {task, axis}) {
  const tasks = task === "*" || task === undefined ? policy.tasks.map(t => TASKS[t]).join(" ") : task;
  return `${policy.command} --task ${tasks}${axis === "*" || axis === undefined ? "" : " --axis " + axis}`;
}
function episodeRow(policy, at, where) {
  const {o, a, l, i, t, r, s: steps, w} = policy.episodes, axis = AXES[a[at]], outcome = OUTCOME[o[at]], key = keyOf(policy, at);
  const facts = [TASKS[t[at]], axis.kind === "base" ? "as trained" : `${spaced(axis.name)} ${l[at]}`, `episode ${i[at]}`, `${steps[at]} steps`];
  const act = hasPoses(policy, at)
    ? h("button.playit", {type: "button", onclick: () => play(policy, key, where)}, "\u25b6 Play")
    : h("button.copyit", {type: "button", title: "copy the command that films it", onclick: event => copyText(`${policy.film} --key ${key} --out ${key}.mp4`, event.target)}, "Command");
  return h("div.episode", {"data-key": key}, h("div", {}, h("span", {class: "badge " + outcome}, outcome), r[at] ? h("span.reason", {}, spaced(DATA.reasons[r[at]])) : null,
    h("span.saying", {}, DATA.words[w[at]] || "no instruction"), h("small", {}, facts.join(" \u00b7 "))), act);
}
function play(policy, key, where) {
  theatre.open(policy, key);
  drawer.scrollTo({top: 0, behavior: "smooth"});
  history.replaceState(null, "", linkTo(policy, where) + "/" + encodeURIComponent(key));
}
addEventListener("hashchange", openDrawer);
addEventListener("keydown", event => { if (event.key === "Escape" && !drawer.hidden) closeDrawer(); });
