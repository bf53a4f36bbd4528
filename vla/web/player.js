// Plays an episode from its poses: meshes drawn with WebGL, one time for all views, one camera that the pointer turns.

const LOADED = {meshes: new Map(Object.entries(DATA.meshes || {})), poses: new Map(Object.entries(DATA.poses || {}))};
const WAITING = new Map();
window.MESH = (id, data) => arrived("meshes", id, data); // files of a folder call these
window.POSES = (id, data) => arrived("poses", id, data);
function arrived(kind, id, data) { LOADED[kind].set(id, data); }

// A file of the folder; a page opened from a disk may not fetch, but it may run scripts.
function load(kind, id, file) {
  if (LOADED[kind].has(id)) return Promise.resolve(LOADED[kind].get(id));
  const key = kind + "/" + id;
  if (!WAITING.has(key)) WAITING.set(key, new Promise((done, failed) => {
    const script = h("script", {src: file, onload: () => (LOADED[kind].has(id) ? done(LOADED[kind].get(id)) : failed(new Error(file))), onerror: () => failed(new Error(file))});
    document.head.append(script);
  }));
  return WAITING.get(key);
}
const hasPoses = (policy, at) => policy.episodes.p[at] && (DATA.folder || LOADED.poses.has(`${policy.name}/${keyOf(policy, at)}`));
const posesOf = (policy, key) => load("poses", `${policy.name}/${key}`, `poses/${encodeURIComponent(policy.name)}/${encodeURIComponent(key)}.js`);

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}
// (N, 7, T + 1) differences along time, 0.1 mm and 1 / 32767 of a quaternion's entry -> one Float32Array a moment.
async function moments(data) {
  const deltas = new Int16Array(await inflate(data.blob)), frames = data.steps + 1;
  const found = Array.from({length: frames}, () => new Float32Array(data.rows * 7));
  for (let row = 0; row < data.rows * 7; row++) {
    const unit = row % 7 < 3 ? 1e-4 : 1 / 32767;
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) {
      sum = ((sum + deltas[row * frames + frame]) << 16) >> 16;
      found[frame][row] = sum * unit;
    }
  }
  return found;
}
// Triangles {position, normal, tint} of three vertices each, in the node's frame.
async function triangles(data) {
  const buffer = await inflate(data.blob), {v, f} = data;
  const points = new Int16Array(buffer, 0, 3 * v), faces = new Uint16Array(buffer, 6 * v, 3 * f);
  const normals = new Int8Array(buffer, 6 * v + 6 * f, 3 * v), tints = data.tinted ? new Uint8Array(buffer, 9 * v + 6 * f, 3 * f) : null;
  const out = new Float32Array(27 * f);
  for (let corner = 0; corner < 3 * f; corner++) {
    const from = 3 * faces[corner], to = 9 * corner, face = 3 * Math.floor(corner / 3);
    for (let i = 0; i < 3; i++) {
      out[to + i] = data.low[i] + (points[from + i] + 32768) * data.unit[i];
      out[to + 3 + i] = normals[from + i] / 127;
      out[to + 6 + i] = tints ? tints[face + i] / 255 : 1;
    }
  }
  return out;
}

const VERTEX = `attribute vec3 position, normal, tint; uniform mat4 view, place; uniform vec3 toward; uniform float floor_z, flat_;
varying vec3 n, c, local, world;
void main() {
  vec4 at = place * vec4(position, 1.);
  if (flat_ > .5) { at.xyz -= toward * max(0., at.z - floor_z) / max(.2, toward.z); at.z = floor_z + .0006; }
  n = mat3(place) * normal; c = tint; local = position; world = at.xyz; gl_Position = view * at;
}`;
const FRAGMENT = `precision highp float; varying vec3 n, c, local, world;
uniform vec3 color, color2, toward, eye, sun, sky; uniform float flat_, pattern, scale, gloss;
float grain(vec2 p) { return fract(sin(dot(floor(p), vec2(12.9898, 78.233))) * 43758.5453); }
void main() {
  if (flat_ > .5) { gl_FragColor = vec4(0., 0., 0., .28); return; }
  vec2 p = local.xy / scale; float m = 0.;
  if (pattern > 5.5) m = step(length(fract(2. * p) - .5), .28);
  else if (pattern > 4.5) m = step(.5, fract(2. * p.y));
  else if (pattern > 3.5) m = grain(p * 24.);
  else if (pattern > 2.5) m = .4 + .25 * sin(46. * (p.y + .03 * sin(3. * p.x))) + .2 * grain(vec2(9. * p.x, 160. * p.y));
  else if (pattern > 1.5) { vec2 q = fract(p); m = step(.96, max(q.x, q.y)); }
  else if (pattern > .5) m = mod(floor(p.x) + floor(p.y), 2.);
  vec3 base = mix(color, color2, m) * c, d = normalize(n), to = normalize(eye - world);
  float lit = max(0., dot(d, toward)), up = .5 + .5 * d.z;
  float spot = gloss * pow(max(0., dot(d, normalize(toward + to))), 40.);
  gl_FragColor = vec4(base * (sky * (.66 + .4 * up) + .92 * sun * lit) + spot * sun * 1.8, 1.);
}`;
const PATTERNS = {checker: 1, tiles: 2, wood: 3, noise: 4, stripes: 5, dots: 6};

// One canvas and the episode that it shows.
class View {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = this.gl = canvas.getContext("webgl", {antialias: true, alpha: false, stencil: true});
    if (!gl) throw new Error("this browser has no WebGL");
    const program = this.program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "shaders");
    gl.useProgram(program);
    this.at = new Proxy({}, {get: (found, name) => (found[name] ??= gl.getUniformLocation(program, name))});
    this.buffers = new Map();
    this.nodes = [];
  }
  async show(data) {
    this.data = data;
    this.moments = await moments(data);
    const nodes = await Promise.all(data.nodes.map(async node => {
      const mesh = typeof node.mesh === "string" ? await load("meshes", node.mesh, `meshes/${node.mesh}.js`) : node.mesh;
      if (!this.buffers.has(mesh)) this.buffers.set(mesh, this.upload(await triangles(mesh)));
      return {...node, drawn: this.buffers.get(mesh)};
    }));
    this.nodes = nodes;
  }
  upload(array) {
    const gl = this.gl, buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
    return {buffer, count: array.length / 9};
  }
  draw(time, camera) {
    if (!this.nodes.length) return;
    const gl = this.gl, ratio = Math.min(2, devicePixelRatio || 1), {clientWidth: width, clientHeight: height} = this.canvas;
    if (this.canvas.width !== Math.round(width * ratio)) Object.assign(this.canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)});
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(0.83, 0.85, 0.88, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    const {eye, matrix} = lookThrough(camera, width / Math.max(1, height));
    gl.uniformMatrix4fv(this.at.view, false, matrix);
    gl.uniform3fv(this.at.eye, eye);
    gl.uniform3fv(this.at.toward, unit(this.data.light));
    gl.uniform3fv(this.at.sun, this.data.sun);
    gl.uniform3fv(this.at.sky, this.data.sky);
    gl.uniform1f(this.at.floor_z, this.data.table);
    const poses = between(this.moments, time);
    for (const node of this.nodes) this.node(node, poses, 0);
    gl.enable(gl.BLEND); gl.enable(gl.STENCIL_TEST); gl.depthMask(false);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.stencilFunc(gl.EQUAL, 0, 255); gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    for (const node of this.nodes) if (node.casts && this.data.shadows) this.node(node, poses, 1);
    gl.disable(gl.BLEND); gl.disable(gl.STENCIL_TEST); gl.depthMask(true);
  }
  node(node, poses, flat) {
    const gl = this.gl, pose = node.row < 0 ? node.pose : poses.subarray(7 * node.row, 7 * node.row + 7);
    gl.uniformMatrix4fv(this.at.place, false, placed(pose));
    gl.uniform3fv(this.at.color, node.rgb);
    gl.uniform3fv(this.at.color2, node.rgb2);
    gl.uniform1f(this.at.pattern, PATTERNS[node.pattern] || 0);
    gl.uniform1f(this.at.scale, node.scale);
    gl.uniform1f(this.at.gloss, node.gloss);
    gl.uniform1f(this.at.flat_, flat);
    gl.bindBuffer(gl.ARRAY_BUFFER, node.drawn.buffer);
    ["position", "normal", "tint"].forEach((name, number) => {
      const place = gl.getAttribLocation(this.program, name);
      if (place < 0) return;
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 36, 12 * number);
    });
    gl.drawArrays(gl.TRIANGLES, 0, node.drawn.count);
  }
}
const unit = v => { const size = Math.hypot(...v) || 1; return v.map(x => x / size); };
const minus = (a, b) => a.map((x, i) => x - b[i]), dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
function placed([x, y, z, i, j, k, w]) { // column by column
  return new Float32Array([1 - 2 * (j * j + k * k), 2 * (i * j + k * w), 2 * (i * k - j * w), 0, 2 * (i * j - k * w), 1 - 2 * (i * i + k * k), 2 * (j * k + i * w), 0,
    2 * (i * k + j * w), 2 * (j * k - i * w), 1 - 2 * (i * i + j * j), 0, x, y, z, 1]);
}
function between(all, time) { // poses between two control steps, so that slow motion is smooth
  const from = Math.min(all.length - 1, Math.floor(time)), to = Math.min(all.length - 1, from + 1), part = time - from;
  if (!part || from === to) return all[from];
  return all[from].map((value, i) => {
    if (i % 7 < 3) return value + part * (all[to][i] - value);
    const start = i - (i % 7) + 3, turn = all[from][start] * all[to][start] + all[from][start + 1] * all[to][start + 1] + all[from][start + 2] * all[to][start + 2] + all[from][start + 3] * all[to][start + 3];
    return value + part * ((turn < 0 ? -1 : 1) * all[to][i] - value);
  });
}
// camera {target, azimuth, elevation (radians), distance, fov (degrees)}
function lookThrough(camera, aspect) {
  const {azimuth, elevation, distance, target} = camera, flat = Math.cos(elevation);
  const back = [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)], eye = target.map((x, i) => x + distance * back[i]);
  const right = unit(cross([0, 0, 1], back)), up = cross(back, right), f = 1 / Math.tan(camera.fov * Math.PI / 360), [near, far] = [0.02, 12];
  const rows = [[...right, -dot(right, eye)].map(x => x * f / Math.max(1, aspect) * (aspect < 1 ? 1 / aspect : 1)), [...up, -dot(up, eye)].map(x => x * f / Math.max(1, 1 / aspect) * (aspect < 1 ? 1 / aspect : 1)), [...back, -dot(back, eye)]];
  const a = (far + near) / (near - far), b = 2 * far * near / (near - far);
  const all = [rows[0], rows[1], rows[2].map((x, i) => a * x + (i === 3 ? b : 0)), rows[2].map(x => -x)];
  return {eye, matrix: new Float32Array([0, 1, 2, 3].flatMap(column => all.map(row => row[column])))};
}
function orbit(data) {
  const back = minus(data.eye, data.target), distance = Math.hypot(...back);
  return {target: data.target, distance, azimuth: Math.atan2(back[1], back[0]), elevation: Math.asin(back[2] / distance), fov: data.fov};
}
