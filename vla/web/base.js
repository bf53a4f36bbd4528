"use strict";
// What every part of the page uses: elements, numbers as text, the look, tables that sort and export. Knows no report.

const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);

// An element with attributes and children; texts are never read as HTML.
function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElement(name || "div"), classes, attributes, children);
}
function s(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), classes, attributes, children);
}
function fill(element, classes, attributes, children) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

// A share as whole percent; 100 and 0 are kept for exactly all and nothing.
function percent(value) {
  const whole = Math.round(100 * value);
  return (whole === 100 && value < 1) || (whole === 0 && value > 0) ? (100 * value).toFixed(1) : String(whole);
}
// A difference of shares in percentage points, with its sign.
function points(value) {
  const whole = Math.round(100 * value);
  return whole === 0 ? "0" : (whole > 0 ? "+" : "\u2212") + Math.abs(whole);
}
const signed = value => value.toFixed(2).replace("-", "\u2212");
const plural = (count, one, more) => `${count} ${count === 1 ? one : more || one + "s"}`;
const short = value => (Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3));
const spaced = name => name.replaceAll("_", " ");

// Light and dark: as the system says until somebody chooses.
function theme(choice) {
  const system = matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = choice || system;
}
function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}
function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a page opened from a file may be denied its storage */ }
}
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { if (!remembered("theme")) theme(); });
function toggleTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", next);
  theme(next);
  dispatchEvent(new Event("themed"));
}

function download(name, text, type = "text/plain") {
  const link = h("a", {href: URL.createObjectURL(new Blob([text], {type})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
async function copyText(text, button) {
  const label = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch { button.textContent = "Select it by hand"; }
  setTimeout(() => { button.textContent = label; }, 1500);
}

// A set of buttons of which one is chosen.
function choice(options, chosen, choose, label) {
  const box = h("div.choice", {role: "group", "aria-label": label});
  const buttons = options.map(([value, text]) => h("button", {type: "button", "data-value": value, onclick: () => pick(value)}, text));
  function pick(value) {
    buttons.forEach(button => button.setAttribute("aria-pressed", String(button.dataset.value === String(value))));
    choose(value);
  }
  buttons.forEach(button => button.setAttribute("aria-pressed", String(button.dataset.value === String(chosen))));
  box.append(...buttons);
  return box;
}

// A table: columns {title, text?, num?, cell?}; rows of values. A value is a text, a number, or {show, sort, text}.
const value = (cell, what) => (cell && typeof cell === "object" && !(cell instanceof Node) ? cell[what] : cell);
const sortKey = cell => { const key = value(cell, "sort"); return key === null || key === undefined ? -Infinity : key; };
const plain = cell => { const text = value(cell, "text"); return text === null || text === undefined ? "" : String(text); };

function table(name, columns, rows, options = {}) {
  const body = h("tbody");
  const order = {column: -1, down: false};
  let shown = rows;
  const heads = columns.map((column, at) => h(column.num ? "th.num" : "th", {"aria-sort": "none"},
    h("button.sort", {type: "button", title: column.hint || "sort", onclick: () => sort(at)}, column.title)));
  function draw() {
    const limit = options.limit || Infinity;
    body.replaceChildren(...shown.slice(0, limit).map(row => h("tr", {class: row.kind || null}, row.cells.map((cell, at) => {
      const show = value(cell, "show");
      return h((at === 0 && !options.plain ? "th" : "td") + (columns[at].num ? ".num" : ""), {}, show === null || show === undefined ? "\u2013" : show);
    }))));
  }
  function sort(at) {
    order.down = order.column === at ? !order.down : Boolean(columns[at].num);
    order.column = at;
    const sign = order.down ? -1 : 1;
    shown = [...rows].sort((a, b) => sign * compare(sortKey(a.cells[at]), sortKey(b.cells[at])));
    heads.forEach((head, number) => head.setAttribute("aria-sort", number === at ? (order.down ? "descending" : "ascending") : "none"));
    draw();
  }
  draw();
  const texts = () => [columns.map(column => column.title), ...shown.map(row => row.cells.map(plain))];
  return h("div.tablebox", {},
    h("div.scroll", {}, h("table", {"data-name": name}, h("thead", {}, h("tr", {}, heads)), body)),
    options.noExport ? null : exports(name, texts));
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", {numeric: true});
}
function exports(name, texts) {
  return h("div.exports", {},
    h("button", {type: "button", class: "csv", onclick: () => download(name + ".csv", csv(texts()), "text/csv")}, "CSV"),
    h("button", {type: "button", class: "latex", onclick: () => download(name + ".tex", latex(texts()))}, "LaTeX"));
}
function csv(rows) {
  return rows.map(row => row.map(text => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\r\n") + "\r\n";
}
const TEX = {"\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\u2212": "$-$", "\u2013": "--"};
function latex(rows) {
  const escaped = rows.map(row => row.map(text => text.replace(/[\\&%$#_{}~^\u2212\u2013]/g, sign => TEX[sign])).join(" & ") + " \\\\");
  const columns = "l" + "r".repeat(rows[0].length - 1);
  return ["% \\usepackage{booktabs}", `\\begin{tabular}{${columns}}`, "\\toprule", escaped[0], "\\midrule", ...escaped.slice(1),
    "\\bottomrule", "\\end{tabular}", ""].join("\n");
}
