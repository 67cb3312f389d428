// The dashboard: reads once, then moves with /v1/live.
import { drawAlerts } from "./alerts.js";
import { intervalBar } from "./charts.js";
import { drawDetail } from "./detail.js";
import { element } from "./nodes.js";
import { drawPlaces, movePlace } from "./places.js";
import {
  chosen, closeGroup, FOLLOWED_KINDS, keep, openGroup, readAlerts, readDetail, ReadError,
  readPlaces, state,
} from "./reading.js";
import {
  interval, nothingShown, percent, summary, switchLanguage, time, translate, whole, word,
} from "./words.js";

const WINDOWS = ["24h", "7d", "30d", "90d"];

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
  const { current, previous } = country.windows[state.window];
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
