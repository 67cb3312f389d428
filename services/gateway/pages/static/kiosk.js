// One touch: the answer is kept here until the gateway has acknowledged it.
import { uuid7 } from "./uuid7.js";

const BACK_AFTER = 4000;
const RETRY_AFTER = 5000;
const QUEUE = "langnghe.queue";
const DEVICE = "langnghe.device";

const body = document.body.dataset;
const options = new URLSearchParams(location.search);
const ask = document.getElementById("ask");
const thanks = document.getElementById("thanks");
const queued = document.getElementById("queued");
const language = document.getElementById("language");

function device() {
  const known = options.get("device") ?? localStorage.getItem(DEVICE) ?? `page-${uuid7()}`;
  localStorage.setItem(DEVICE, known);
  return known;
}

function queue() {
  return JSON.parse(localStorage.getItem(QUEUE) ?? "[]");
}

function keep(answers) {
  localStorage.setItem(QUEUE, JSON.stringify(answers));
  queued.hidden = answers.length === 0;
  queued.querySelector("output").textContent = answers.length;
}

let sending = false;

async function send() {
  if (sending) return;
  sending = true;
  try {
    for (let first = queue()[0]; first; first = queue()[0]) {
      const response = await fetch("/v1/feedback", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(first),
      });
      // An answer that is refused would be refused again: only these two say "later".
      if (response.status === 429 || response.status >= 500) break;
      keep(queue().filter((answer) => answer.id !== first.id));
    }
  } catch {
    // No network: the answers stay in the queue.
  } finally {
    sending = false;
  }
}

function showThanks() {
  ask.hidden = true;
  thanks.hidden = false;
  setTimeout(() => {
    thanks.hidden = true;
    ask.hidden = false;
    show("vi");
  }, BACK_AFTER);
}

function answer(level) {
  if (ask.hidden) return;
  const response = {
    id: uuid7(),
    unit: body.unit,
    device: device(),
    channel: "kiosk",
    stage: options.get("stage") ?? "result",
    occurred_at: new Date().toISOString(),
    instrument: body.instrument,
    instrument_version: Number(body.version),
    answers: { overall: level },
    language: document.documentElement.lang,
  };
  const field = options.get("field");
  if (field) response.field = field;
  keep([...queue(), response]);
  showThanks();
  void send();
}

function show(lang) {
  document.documentElement.lang = lang;
  language.lang = lang === "vi" ? "en" : "vi";
  language.textContent = lang === "vi" ? "English" : "Tiếng Việt";
}

for (const face of document.querySelectorAll(".face")) {
  face.addEventListener("click", () => answer(Number(face.dataset.level)));
}
document.addEventListener("keydown", (event) => {
  if (/^[1-5]$/.test(event.key)) answer(Number(event.key));
});
language.addEventListener("click", () => {
  show(document.documentElement.lang === "vi" ? "en" : "vi");
});
keep(queue());
void send();
setInterval(send, RETRY_AFTER);
