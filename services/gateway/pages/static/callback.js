// Contact data by consent, for the answer that was just given, and the link to the case it opens.
import { texts } from "./texts.js";

const PROBLEMS = {
  422: ["Số điện thoại hoặc thư điện tử chưa đúng.", "This is no Vietnamese telephone number or e-mail address."],
  429: ["Có quá nhiều yêu cầu cùng lúc. Xin đợi rồi gửi lại.", "Too many requests at once. Please wait and send again."],
  later: ["Chưa gửi được. Xin kiểm tra mạng rồi gửi lại.", "Not sent. Please check the network and send again."],
};

const section = document.getElementById("callback"); // not there where no contacts are taken
const form = document.getElementById("leave");
const problem = document.getElementById("not-left");

function tell(what) {
  problem.replaceChildren(...texts(...(PROBLEMS[what] ?? PROBLEMS.later)));
  problem.hidden = false;
}

function show(secret) {
  const link = document.getElementById("case-link");
  link.href = `/case#${secret}`; // behind the #, which no browser sends
  link.textContent = link.href;
  form.hidden = true;
  document.getElementById("left").hidden = false;
}

export function offer(response) {
  if (!section) return;
  section.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const value = document.getElementById("reach").value.trim();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch("/v1/contacts", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          response,
          kind: value.includes("@") ? "email" : "phone",
          value,
          consent: {
            text_version: form.dataset.consent,
            given: document.getElementById("consent").checked,
          },
        }),
      });
      if (answer.ok) show((await answer.json()).case_secret);
      else tell(answer.status);
    } catch {
      tell("later");
    } finally {
      button.disabled = false;
    }
  });
}
