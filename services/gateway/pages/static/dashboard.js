// The dashboard: reads once, then moves with /v1/live.
import { historyChart, intervalBar, sharesBar } from "./charts.js";
import { element, shape } from "./nodes.js";
import { drawPlaces, interval, movePlace } from "./places.js";
import {
  chosen, closeGroup, FOLLOWED_KINDS, keep, openGroup, readAlerts, readDetail, ReadError,
  readPlaces, state,
} from "./reading.js";
import {
  decimal, named, nothingShown, percent, switchLanguage, time, translate, whole, word,
} from "./words.js";

const WINDOWS = ["24h", "7d", "30d", "90d"];

function figures(view) {
  return view.windows[state.window];
}

// Drawing

function drawTools() {
  const group = document.getElementById("windows");
  group.replaceChildren(
    ...WINDOWS.map((name) => {
      const button = element("button", { type: "button", textContent: word(name) });
      button.setAttribute("aria-pressed", String(name === state.window));
      button.addEventListener("click", () => {
        state.window = name;
        draw();
      });
      return button;
    }),
  );
  document.getElementById("language").textContent = word("otherLanguage");
}

function drawHeadline() {
  const country = state.places.get("country");
  const { current, previous } = figures(country);
  const section = document.getElementById("headline");
  const title = element("h2", { id: "headline-title", textContent: word("country") });
  if (!current.n) {
    section.replaceChildren(title, element("p", { textContent: nothingShown(current) }));
    return;
  }
  section.replaceChildren(
    title,
    element("p", { className: "big", textContent: percent(current.index) }),
    element("p", { textContent: `${word("satisfied")} · n = ${whole(current.n)}` }),
    intervalBar(current, previous),
    element("p", {
      className: "quiet",
      textContent:
        `${word("interval")}: ${interval(current)} · ` +
        `${word("before")}: ${summary(previous)}`,
    }),
  );
  if (country.latest_received_at) {
    section.append(
      element("p", {
        className: "quiet",
        textContent: `${word("asOf")} ${time(country.latest_received_at)}`,
      }),
    );
  }
}

function summary(figure) {
  return figure.withheld
    ? word("withheldBriefly")
    : `${percent(figure.index)} (n = ${whole(figure.n)})`;
}

function alertText({ alert }) {
  if (alert.kind === "silent_kiosk") {
    const { silent, of, since } = alert.evidence;
    return `${word("silentKiosks")}: ${whole(silent)}/${whole(of)}, ${word("since")} ${time(since)}`;
  }
  const { current, target, baseline } = alert.evidence;
  if (alert.kind === "below_target") {
    return `${word("belowTarget")} ${percent(target)}: ${summary(current)}`;
  }
  const since = baseline === null ? "" : ` ${word("since")} ${percent(baseline)}`;
  const fell = word(alert.kind === "drift" ? "drifted" : "fell");
  return current.withheld && !since
    ? `${fell} (${word("withheldBriefly")})`
    : `${fell}${since} ${word("to")} ${summary(current)}`;
}

function drawAlerts() {
  const list = document.querySelector("#alerts ul");
  const firing = [...state.alerts.values()].filter(({ alert }) => alert.state === "firing");
  firing.sort((a, b) => b.alert.changed_at.localeCompare(a.alert.changed_at));
  list.replaceChildren(
    ...firing.map((view) => {
      const link = element("a", {
        href: `#${view.alert.scope}`,
        textContent: named(view.name),
      });
      return element("li", { className: "firing" }, [
        element("strong", {}, [link]),
        element("span", { textContent: `${alertText(view)} · ${time(view.alert.changed_at)}` }),
      ]);
    }),
  );
  if (!firing.length) list.append(element("li", { textContent: word("noAlerts") }));
}

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

function drawDetail() {
  const section = document.getElementById("detail");
  section.hidden = state.detail === null;
  if (!state.detail) return;
  const { current } = figures(state.detail);
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

function draw() {
  translate(document);
  drawTools();
  setConnection(connected);
  if (!state.places.has("country")) return; // nothing could be read yet
  drawHeadline();
  drawAlerts();
  drawPlaces(toggle);
  drawDetail();
}

// Following

let connected = null; // not known before the first try

function setConnection(well) {
  connected = well;
  const text = well === null ? "" : word(well ? "live" : "cut");
  document.getElementById("connection").textContent = text;
}

// Does what reads; if something cannot be had now, all is read anew until it can.
async function reading(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    setConnection(false);
    catchUpLater();
  }
}

// What may be asked for again and again is done once.
function soon(milliseconds, work) {
  let due = null;
  return () => {
    due ??= setTimeout(() => {
      due = null;
      void reading(work);
    }, milliseconds);
  };
}

async function catchUp() {
  await Promise.all([readPlaces(), readAlerts(), readDetail()]);
  draw();
  follow();
  if (source.readyState === EventSource.OPEN) setConnection(true);
}

const catchUpSoon = soon(1000, catchUp);
// All pages lose a gateway at once, and shall not all come back at once.
const catchUpLater = soon(2000 + 3000 * Math.random(), catchUp);
const rereadDetailSoon = soon(500, async () => {
  await readDetail();
  drawDetail();
});
const rereadAlertsSoon = soon(250, async () => {
  await readAlerts();
  drawAlerts();
  drawPlaces(toggle);
});

function toggle(group) {
  void reading(async () => {
    if (state.offices.has(group)) closeGroup(group);
    else await openGroup(group);
    drawPlaces(toggle);
    follow();
  });
}

function onIndex(event) {
  const view = JSON.parse(event.data);
  const known = state.places.has(view.scope);
  keep(view);
  if (view.scope === "country") drawHeadline();
  else if (known) movePlace(view.scope);
  else catchUpSoon(); // its first answers
  if (view.scope === state.detail?.scope) rereadDetailSoon();
}

let source = null;
let followed = null;

// Asks for the changes of what is shown; of a country's thousands of offices, for those that are.
function follow() {
  const shown = new URLSearchParams([
    ...FOLLOWED_KINDS.map((kind) => ["kind", kind]),
    ...[...state.offices.keys()].map((group) => ["offices_of", group]),
    ...(chosen() ? [["scope", chosen()]] : []),
  ]).toString();
  if (shown === followed) return;
  followed = shown;
  source?.close();
  source = new EventSource(`/v1/live?${shown}`);
  // What changed while we were away was not sent to us.
  source.addEventListener("open", () => reading(catchUp));
  source.addEventListener("error", () => setConnection(false));
  source.addEventListener("index", onIndex);
  source.addEventListener("alert", rereadAlertsSoon);
}

document.getElementById("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
window.addEventListener("hashchange", () =>
  reading(async () => {
    await readDetail();
    drawDetail();
    if (state.detail) document.getElementById("detail").scrollIntoView({ block: "nearest" });
    follow();
  }),
);

draw();
await reading(catchUp);
