// The dashboard: reads once, then moves with /v1/live.
import { historyChart, intervalBar, shape, sharesBar } from "./charts.js";
import {
  currentLanguage, decimal, named, nothingShown, percent, switchLanguage, time, translate, whole, word,
} from "./words.js";

const WINDOWS = ["24h", "7d", "30d", "90d"];
const SHOWN_KINDS = new Set(["province", "ministry"]);

const state = {
  window: "24h",
  country: null,
  places: new Map(), // scope -> index view
  groups: [], // scopes of provinces and ministries with answers
  offices: new Map(), // group scope -> scopes of its offices with answers
  alerts: new Map(), // alert id -> {name, alert}
  detail: null,
};

async function read(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function element(name, properties = {}, children = []) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function figures(view) {
  return view.windows[state.window];
}

// Reading

async function readPlaces() {
  const [country, top] = await Promise.all([
    read("/v1/indices/country?days=1"),
    read("/v1/indices?parent=country"),
  ]);
  state.country = country;
  const answered = top.indices.filter((view) => view.version > 0 && SHOWN_KINDS.has(view.kind));
  state.groups = answered.map((view) => view.scope);
  for (const view of answered) state.places.set(view.scope, view);
  await Promise.all(state.groups.map(readOffices));
}

async function readOffices(group) {
  const list = await read(`/v1/indices?parent=${encodeURIComponent(group)}&kind=unit`);
  const answered = list.indices.filter((view) => view.version > 0);
  for (const view of answered) state.places.set(view.scope, view);
  state.offices.set(group, answered.map((view) => view.scope));
}

async function readAlerts() {
  const list = await read("/v1/alerts?state=firing");
  state.alerts = new Map(list.alerts.map((view) => [view.alert.alert, view]));
}

async function readDetail() {
  const scope = decodeURIComponent(location.hash.slice(1));
  state.detail = scope ? await read(`/v1/indices/${encodeURIComponent(scope)}?days=90`) : null;
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
  const { current, previous } = figures(state.country);
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
  if (state.country.latest_received_at) {
    section.append(
      element("p", {
        className: "quiet",
        textContent: `${word("asOf")} ${time(state.country.latest_received_at)}`,
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

function interval(figure) {
  return figure.n ? `${percent(figure.low)} – ${percent(figure.high)}` : "";
}

function alarmedScopes() {
  return new Set(
    [...state.alerts.values()]
      // A silent kiosk says nothing of satisfaction, which is what the row shows.
      .filter(({ alert }) => alert.state === "firing" && alert.kind !== "silent_kiosk")
      .map(({ alert }) => alert.scope),
  );
}

function fillRow(row, view, alarmed) {
  const { current, previous } = figures(view);
  const open = element("button", { type: "button", textContent: named(view.name) });
  open.addEventListener("click", () => {
    location.hash = view.scope;
  });
  const head = element("th", { scope: "row" }, [open]);
  row.classList.toggle("alarmed", alarmed.has(view.scope));
  row.replaceChildren(
    head,
    element("td", { className: "number", textContent: percent(current.index) }),
    element("td", {}, [
      intervalBar(current, previous),
      element("span", {
        className: "quiet",
        textContent: current.withheld ? word("withheld") : interval(current),
      }),
    ]),
    element("td", { className: "number", textContent: whole(current.n) }),
    element("td", {
      className: "number",
      textContent: previous.withheld ? word("withheldBriefly") : percent(previous.index),
    }),
  );
}

function drawPlaces() {
  const alarmed = alarmedScopes();
  const rows = [];
  for (const group of state.groups) {
    rows.push([group, "group"]);
    for (const office of state.offices.get(group) ?? []) rows.push([office, "office"]);
  }
  document.querySelector("#places tbody").replaceChildren(
    ...rows.map(([scope, kind]) => {
      const row = element("tr", { className: kind });
      row.dataset.scope = scope;
      fillRow(row, state.places.get(scope), alarmed);
      return row;
    }),
  );
}

function movePlace(view) {
  const row = document.querySelector(`#places tr[data-scope="${CSS.escape(view.scope)}"]`);
  if (!row) return;
  fillRow(row, view, alarmedScopes());
  row.classList.remove("moved");
  void row.offsetWidth; // lets the animation begin anew
  row.classList.add("moved");
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
  drawHeadline();
  drawAlerts();
  drawPlaces();
  drawDetail();
  setConnection(connected);
}

// Following

let connected = false;

function setConnection(well) {
  connected = well;
  document.getElementById("connection").textContent = word(well ? "live" : "cut");
}

let rereading = null;

function rereadPlacesSoon() {
  rereading ??= setTimeout(async () => {
    rereading = null;
    await readPlaces();
    draw();
  }, 1000);
}

function onIndex(event) {
  const update = JSON.parse(event.data);
  if (update.scope === "country") {
    Object.assign(state.country, update);
    drawHeadline();
    return;
  }
  const view = state.places.get(update.scope);
  if (view) {
    Object.assign(view, { windows: update.windows, as_of: update.as_of, version: update.version });
    movePlace(view);
  } else if (/^(unit|province|ministry):/.test(update.scope)) {
    rereadPlacesSoon(); // its first answers
  }
  if (state.detail?.scope === update.scope) {
    void readDetail().then(drawDetail);
  }
}

async function onAlert() {
  await readAlerts();
  drawAlerts();
  drawPlaces();
}

function follow() {
  const source = new EventSource("/v1/live");
  source.addEventListener("open", async () => {
    // What changed while we were away was not sent to us.
    await Promise.all([readPlaces(), readAlerts()]);
    draw();
    setConnection(true);
  });
  source.addEventListener("error", () => setConnection(false));
  source.addEventListener("index", onIndex);
  source.addEventListener("alert", onAlert);
}

document.getElementById("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
window.addEventListener("hashchange", async () => {
  await readDetail();
  drawDetail();
  if (state.detail) document.getElementById("detail").scrollIntoView({ block: "nearest" });
});

document.documentElement.lang = currentLanguage();
await Promise.all([readPlaces(), readAlerts(), readDetail()]);
draw();
follow();
