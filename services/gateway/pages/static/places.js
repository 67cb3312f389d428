// The table of places: provinces and ministries, and the offices of those that are open.
import { alarmedScopes } from "./alerts.js";
import { intervalBar } from "./charts.js";
import { element } from "./nodes.js";
import { state } from "./reading.js";
import { interval, named, percent, whole, word } from "./words.js";

const rows = new Map(); // scope -> row of the table
const moved = new Set(); // scopes whose rows wait for the next frame

function fill(row, view, alarmed) {
  const { current, previous } = view.windows[state.window];
  row.classList.toggle("alarmed", alarmed.has(view.scope));
  // The head stays where it is: somebody may be at its buttons by keyboard.
  while (row.cells.length > 1) row.deleteCell(1);
  row.append(
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

function head(view, isGroup, toggle) {
  const name = element("button", { type: "button", className: "name", textContent: named(view.name) });
  name.addEventListener("click", () => {
    location.hash = view.scope;
  });
  const cell = element("th", { scope: "row" }, [name]);
  if (isGroup) {
    const opens = element("button", { type: "button", className: "opens" });
    opens.setAttribute("aria-expanded", String(state.offices.has(view.scope)));
    opens.setAttribute("aria-label", `${word("offices")}: ${named(view.name)}`);
    opens.addEventListener("click", () => toggle(view.scope));
    cell.prepend(opens);
  }
  return cell;
}

// `toggle` opens or closes a group.
export function drawPlaces(toggle) {
  const alarmed = alarmedScopes();
  const at = document.activeElement;
  const [focused, button] = [at.closest("#places tr")?.dataset.scope, at.className];
  rows.clear();
  for (const group of state.groups) {
    for (const scope of [group, ...(state.offices.get(group) ?? [])]) {
      const view = state.places.get(scope);
      const row = element("tr", { className: scope === group ? "group" : "office" }, [
        head(view, scope === group, toggle),
      ]);
      row.dataset.scope = scope;
      fill(row, view, alarmed);
      rows.set(scope, row);
    }
  }
  document.querySelector("#places tbody").replaceChildren(...rows.values());
  if (focused) rows.get(focused)?.querySelector(`.${button}`)?.focus();
}

// Shows that a place has moved, with all others that do before the next frame: each time the browser
// lays out the whole table.
export function movePlace(scope) {
  if (!rows.has(scope)) return;
  if (!moved.size) requestAnimationFrame(showMoved);
  moved.add(scope);
}

function showMoved() {
  const alarmed = alarmedScopes();
  const shown = [...moved].map((scope) => rows.get(scope)).filter(Boolean);
  moved.clear();
  for (const row of shown) {
    fill(row, state.places.get(row.dataset.scope), alarmed);
    row.classList.remove("moved");
  }
  void document.getElementById("places").offsetWidth; // lets the animations begin anew
  for (const row of shown) row.classList.add("moved");
}
