// One touch: the answer is kept here until the gateway has acknowledged it.
import { enrol, nextNumber, post, self } from "./device.js";
import { show } from "./language.js";
import { uuid7 } from "./uuid7.js";

const BACK_AFTER = 4000;
const RETRY_AFTER = 5000;
const HEARTBEAT_AFTER = 60_000;
const QUEUE = "langnghe.queue";

const body = document.body.dataset;
const options = new URLSearchParams(location.search);
const ask = document.getElementById("ask");
const pairing = document.getElementById("pairing");
const thanks = document.getElementById("thanks");
const queued = document.getElementById("queued");

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
      const response = await post("/v1/feedback", first);
      // Any other refusal would come again: these say "later", 401 that the clock was wrong.
      if ([401, 408, 429].includes(response.status) || response.status >= 500) break;
      keep(queue().filter((answer) => answer.id !== first.id));
    }
  } catch {
    // No network: the answers stay in the queue.
  } finally {
    sending = false;
  }
}

// So that silence and no visitors look different: also while nobody answers.
async function beat() {
  try {
    await post("/v1/heartbeats", { queued: queue().length });
  } catch {
    // No network: that nothing comes is what tells of it.
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

async function answer(level) {
  if (ask.hidden) return;
  showThanks();
  const { id } = await self();
  const response = {
    id: uuid7(),
    unit: body.unit,
    device: id,
    sequence: await nextNumber(),
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
  void send();
}

async function begin() {
  const known = await self();
  const ours = known?.scope === `unit:${body.unit}`;
  pairing.hidden = ours;
  ask.hidden = !ours;
  if (!ours) return;
  body.device = known.id;
  void send();
  void beat();
}

pairing.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = document.getElementById("wrong-code");
  wrong.hidden = true;
  try {
    wrong.hidden = await enrol(document.getElementById("code").value);
  } catch {
    wrong.hidden = false;
  }
  void begin();
});

for (const face of document.querySelectorAll(".face")) {
  face.addEventListener("click", () => answer(Number(face.dataset.level)));
}
document.addEventListener("keydown", (event) => {
  if (/^[1-5]$/.test(event.key)) answer(Number(event.key));
});
keep(queue());
void begin();
setInterval(() => pairing.hidden && send(), RETRY_AFTER);
setInterval(() => pairing.hidden && beat(), HEARTBEAT_AFTER);
