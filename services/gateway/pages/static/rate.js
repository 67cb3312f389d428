// An answer from a citizen's own phone: with the token of a slip, or as anybody.
import "./language.js";
import { offer } from "./callback.js";
import { texts } from "./texts.js";
import { uuid7 } from "./uuid7.js";

const PROBLEMS = {
  403: ["Mã trên phiếu không đúng hoặc đã hết hạn.", "The code on your slip is wrong or has expired."],
  429: ["Có quá nhiều ý kiến cùng lúc. Xin đợi một phút rồi gửi lại.", "Too many answers at once. Please wait a minute and send again."],
  later: ["Chưa gửi được. Xin kiểm tra mạng rồi gửi lại.", "Not sent. Please check the network and send again."],
};

const body = document.body.dataset;
const form = document.getElementById("ask");
const button = document.getElementById("send");
const problem = document.getElementById("problem");

// The token stands behind the #, which no browser sends: it is in no log of a server or proxy.
const token = location.hash.slice(1);
const id = uuid7(); // one answer, however often it has to be sent

function response() {
  const fields = new FormData(form);
  const comment = document.getElementById("comment").value.trim();
  return {
    id,
    unit: body.unit,
    device: "web",
    channel: token ? "qr" : "web",
    stage: body.stage,
    occurred_at: new Date().toISOString(),
    instrument: body.instrument,
    instrument_version: Number(body.version),
    answers: Object.fromEntries([...fields].map(([item, level]) => [item, Number(level)])),
    language: document.documentElement.lang,
    ...(token && { dossier_token: token }),
    ...(comment && { comment }),
  };
}

function tell(what) {
  problem.replaceChildren(...texts(...(PROBLEMS[what] ?? PROBLEMS.later)));
  problem.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  button.disabled = true;
  try {
    const answer = await fetch("/v1/feedback", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(response()),
    });
    form.hidden = answer.ok;
    document.getElementById("thanks").hidden = !answer.ok;
    if (answer.ok) offer(id);
    else tell(answer.status);
  } catch {
    tell("later");
  } finally {
    button.disabled = false;
  }
});

if (body.withToken === "yes" && !token) {
  tell(403);
  button.disabled = true;
}
