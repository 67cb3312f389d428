// The alerts that are firing, in a list.
import { element } from "./nodes.js";
import { state } from "./reading.js";
import { named, percent, summary, time, whole, word } from "./words.js";

export function alarmedScopes() {
  return new Set(
    [...state.alerts.values()]
      // A silent kiosk says nothing of satisfaction, which is what the row shows.
      .filter(({ alert }) => alert.state === "firing" && alert.kind !== "silent_kiosk")
      .map(({ alert }) => alert.scope),
  );
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

export function drawAlerts() {
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
