// One place, as it stands and by day.
import { historyChart, sharesBar } from "./charts.js";
import { element, shape } from "./nodes.js";
import { state } from "./reading.js";
import { decimal, interval, named, nothingShown, percent, whole, word } from "./words.js";

function levelLegend() {
  return element(
    "ul",
    { className: "legend" },
    [1, 2, 3, 4, 5].map((level) => {
      const swatch = shape("svg", { width: 10, height: 10, "aria-hidden": "true" }, [
        shape("rect", { class: `level-${level}`, width: 10, height: 10 }),
      ]);
      return element("li", {}, [swatch, word(`level${level}`)]);
    }),
  );
}

export function drawDetail() {
  const section = document.getElementById("detail");
  section.hidden = state.detail === null;
  if (!state.detail) return;
  const { current } = state.detail.windows[state.window];
  const close = element("button", { type: "button", textContent: word("close") });
  close.addEventListener("click", () => {
    location.hash = "";
  });
  const parts = [
    element("h2", { id: "detail-title", textContent: named(state.detail.name) }),
    close,
  ];
  if (current.n) {
    parts.push(
      element("dl", {}, [
        element("dt", { textContent: `${word("index")} (${word(state.window)})` }),
        element("dd", {
          textContent: `${percent(current.index)} (${interval(current)}), n = ${whole(current.n)}`,
        }),
        element("dt", { textContent: word("mean") }),
        element("dd", { textContent: decimal(current.mean) }),
      ]),
      element("h3", { textContent: word("levels") }),
      sharesBar(current),
      levelLegend(),
    );
  } else {
    parts.push(element("p", { textContent: nothingShown(current) }));
  }
  if (state.detail.history.length) {
    parts.push(element("h3", { textContent: word("history") }), historyChart(state.detail.history));
  }
  section.replaceChildren(...parts);
}
