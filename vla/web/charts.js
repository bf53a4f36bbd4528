// Charts as SVG and HTML from numbers. Knows no policy, no file and no statistic.

const place = (value, low, high) => 100 * (value - low) / (high - low);

// Rows {label, note, value, low, high, mark, text, href, group}; values are changes in [-1, 1].
function forest(rows, options = {}) {
  const ends = rows.flatMap(row => [row.low, row.high]).filter(Number.isFinite);
  const low = options.low ?? Math.max(-1, Math.floor(Math.min(-0.1, ...ends) * 10) / 10);
  const high = options.high ?? Math.min(1, Math.ceil(Math.max(0.1, ...ends) * 10) / 10);
  const box = h("div.forest");
  let group = null;
  for (const row of rows) {
    if (row.group && row.group !== group) box.append(h("div.group", {}, h("i", {class: "swatch f-" + row.group}), row.group));
    group = row.group;
    box.append(forestRow(row, low, high));
  }
  const zero = options.zero ?? 0;
  const ticks = options.ticks || [low, (low + zero) / 2, zero, (high + zero) / 2, high].filter((tick, at) => at !== 3 || high > 0.35);
  const unit = options.unit ?? " pt";
  const said = options.tick || points;
  box.append(h("div.row.ticks", {}, h("i"), h("div.track", {}, [...new Set(ticks)].map(tick =>
    h("span", {style: `left:${place(tick, low, high)}%`}, said(tick) + unit))), h("i")));
  box.style.setProperty("--zero", place(zero, low, high) + "%");
  return box;
}
function forestRow(row, low, high) {
  const clamp = number => Math.min(high, Math.max(low, number));
  const track = h("div.track", {}, h("i.zero"));
  if (Number.isFinite(row.value)) {
    const [from, to] = [place(clamp(row.low), low, high), place(clamp(row.high), low, high)];
    track.append(h("i.span", {style: `left:${from}%;width:${to - from}%`}), h("i.dot", {style: `left:${place(clamp(row.value), low, high)}%`}));
  }
  return h("div.row", {class: "row tone-" + (row.tone || "even")},
    h("div.name", {}, row.href ? h("a", {href: row.href}, row.label) : h("b", {}, row.label), row.mark ? h("span.mark", {title: row.hint}, row.mark) : null,
      row.note ? h("small", {}, row.note) : null),
    track, h("div.text", {}, row.text));
}

// Success by level: series {name, color, points: [[level, value, low, high, href]]}.
function levelPanel(series, levels, label) {
  const [width, height, left, right, top, bottom] = [260, 132, 30, 8, 8, 20];
  const x = level => left + (width - left - right) * (levels.length > 1 ? 0.04 + 0.92 * level / Math.max(...levels) : 0.5);
  const y = share => top + (1 - share) * (height - top - bottom);
  const grid = [0, 0.5, 1].map(share => [s("path.grid", {d: `M${left} ${y(share)}H${width - right}`}),
    s("text", {x: left - 5, y: y(share) + 3.5, "text-anchor": "end"}, percent(share))]);
  const marks = levels.map(level => s("text", {x: x(level), y: height - 5, "text-anchor": "middle"}, level));
  const lines = series.map(one => {
    const path = one.points.map(([level, at]) => `${x(level).toFixed(1)},${y(at).toFixed(1)}`);
    const upper = one.points.map(([level, , , high]) => `${x(level).toFixed(1)},${y(high).toFixed(1)}`);
    const lower = one.points.map(([level, , low]) => `${x(level).toFixed(1)},${y(low).toFixed(1)}`).reverse();
    return s("g", {style: `color:${one.color}`},
      s("polygon.band", {points: [...upper, ...lower].join(" ")}), s("polyline.line", {points: path.join(" ")}),
      one.points.map(([level, at, low, high, href]) => s("a", {href}, s("circle.dot", {cx: x(level), cy: y(at), r: 2.6},
        s("title", {}, `${one.name}, level ${level}: ${percent(at)} % [${percent(low)}, ${percent(high)}]`)))));
  });
  return s("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label}, grid, marks, lines);
}

// Lines over steps: curves {name, color, points: [[x, y]]}; logarithmic where the values span a factor of ten.
function curvePanel(curves, label, share) {
  const [width, height, left, right, top, bottom] = [520, 220, 44, 12, 10, 24];
  const all = curves.flatMap(curve => curve.points), ys = all.map(([, y]) => y).filter(Number.isFinite);
  if (!all.length || !ys.length) return null;
  const last = Math.max(...all.map(([x]) => x)) || 1;
  const log = !share && Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 10;
  const scale = log ? Math.log10 : number => number;
  const low = share ? 0 : log ? scale(Math.min(...ys)) : Math.min(0, ...ys), top1 = share ? 1 : scale(Math.max(...ys));
  const high = top1 > low ? top1 : low + 1;
  const x = at => left + (width - left - right) * at / last;
  const y = at => top + (height - top - bottom) * (1 - (Math.min(high, Math.max(low, scale(at))) - low) / (high - low));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(part => { const at = low + part * (high - low); return log ? 10 ** at : at; });
  return s("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label},
    ticks.map(tick => [s("path.grid", {d: `M${left} ${y(tick)}H${width - right}`}),
      s("text", {x: left - 6, y: y(tick) + 4, "text-anchor": "end"}, share ? percent(tick) + " %" : Number(tick.toPrecision(2)))]),
    [0, 0.25, 0.5, 0.75, 1].map(part => s("text", {x: x(part * last), y: height - 6,
      "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle"}, short(part * last))),
    curves.map(curve => s("polyline.line", {style: `color:${curve.color}`,
      points: curve.points.filter(([, at]) => Number.isFinite(at)).map(([at, v]) => `${x(at).toFixed(1)},${y(v).toFixed(1)}`).join(" ")})));
}

// One stacked bar: parts {share, color, title}.
function stack(parts) {
  return h("div.stack", {}, parts.filter(part => part.share > 0).map(part =>
    h(part.href ? "a" : "i", {style: `flex:${part.share} 0 0;background:${part.color}`, title: part.title, href: part.href, "aria-label": part.href ? part.title : null})));
}
function legend(items) {
  return h("div.legend", {}, items.map(([color, text]) => h("span", {}, h("i", {style: `background:${color}`}), text)));
}
