// Small SVG charts. Percent goes in, shapes come out; no figure is computed here.
import { shape } from "./nodes.js";
import { nothingShown, percent, word } from "./words.js";

function label(x, y, text, anchor = "middle") {
  return shape("text", { x, y, "text-anchor": anchor }, [text]);
}

// An interval on a line from 0 to 100, with the index as a dot and the window before as a ring.
export function intervalBar(figure, previous) {
  const width = 320;
  const height = 24;
  const x = (value) => 6 + ((width - 12) * value) / 100;
  const middle = height / 2;
  const children = [shape("line", { class: "axis", x1: x(0), x2: x(100), y1: middle, y2: middle })];
  for (const tick of [0, 20, 40, 60, 80, 100]) {
    children.push(
      shape("line", { class: "axis", x1: x(tick), x2: x(tick), y1: middle - 4, y2: middle + 4 }),
    );
  }
  if (previous?.n) {
    children.push(shape("circle", { class: "previous", cx: x(previous.index), cy: middle, r: 4 }));
  }
  if (figure.n) {
    children.push(
      shape("rect", {
        class: "interval",
        x: x(figure.low), width: Math.max(2, x(figure.high) - x(figure.low)),
        y: middle - 6, height: 12, rx: 3,
      }),
      shape("circle", { class: "point", cx: x(figure.index), cy: middle, r: 5 }),
    );
  }
  const text = figure.n ? `${percent(figure.low)} – ${percent(figure.high)}` : nothingShown(figure);
  return shape(
    "svg",
    {
      class: "bar", viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
      "aria-label": text,
    },
    children,
  );
}

// One stacked bar of the five shares.
export function sharesBar(figure) {
  const width = 600;
  let left = 0;
  const parts = figure.shares.map((share, place) => {
    const part = shape("rect", {
      class: `level-${place + 1}`, x: left, y: 0, width: (width * share) / 100, height: 24,
    });
    left += (width * share) / 100;
    return part;
  });
  const text = figure.shares
    .map((share, place) => `${word(`level${place + 1}`)} ${percent(share)}`)
    .join(", ");
  return shape(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} 24`, role: "img", "aria-label": text },
    parts,
  );
}

// Days one after another whose figures are shown: the line has a gap where one is withheld.
function shownRuns(history) {
  const runs = [[]];
  for (const day of history) {
    if (day.figure.withheld) runs.push([]);
    else runs.at(-1).push(day);
  }
  return runs.filter((run) => run.length);
}

// The index by day with its interval as a band.
export function historyChart(history) {
  const width = 900;
  const height = 240;
  const [left, right, top, bottom] = [36, 12, 10, 26];
  const first = Date.parse(history[0].day);
  const last = Math.max(Date.parse(history.at(-1).day), first + 1);
  const x = (day) => left + ((width - left - right) * (Date.parse(day) - first)) / (last - first);
  const y = (value) => top + ((height - top - bottom) * (100 - value)) / 100;
  const children = [];
  for (const tick of [0, 20, 40, 60, 80, 100]) {
    children.push(
      shape("line", { class: "axis", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
      label(left - 6, y(tick) + 4, tick, "end"),
    );
  }
  for (const run of shownRuns(history)) {
    const up = run.map((d) => `${x(d.day)},${y(d.figure.high)}`);
    const down = run.map((d) => `${x(d.day)},${y(d.figure.low)}`).reverse();
    children.push(
      shape("polygon", { class: "band", points: [...up, ...down].join(" ") }),
      shape("polyline", {
        class: "line", points: run.map((d) => `${x(d.day)},${y(d.figure.index)}`).join(" "),
      }),
    );
    for (const d of run) {
      const dot = shape("circle", { class: "point", cx: x(d.day), cy: y(d.figure.index), r: 3 });
      dot.append(shape("title", {}, [`${d.day}: ${percent(d.figure.index)}, n = ${d.figure.n}`]));
      children.push(dot);
    }
  }
  for (const d of history.filter((day) => day.figure.withheld)) {
    const mark = shape("line", {
      class: "gap", x1: x(d.day) - 4, x2: x(d.day) + 4, y1: y(0) - 4, y2: y(0) - 4,
    });
    mark.append(shape("title", {}, [`${d.day}: ${word("withheld")}`]));
    children.push(mark);
  }
  children.push(label(left, height - 6, history[0].day, "start"));
  if (history.length > 1) children.push(label(width - right, height - 6, history.at(-1).day, "end"));
  const text = `${word("history")}: ${history
    .map((d) => `${d.day} ${d.figure.withheld ? word("withheldBriefly") : percent(d.figure.index)}`)
    .join(", ")}`;
  return shape(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": text },
    children,
  );
}
