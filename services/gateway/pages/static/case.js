// A citizen's own case: where it stands, what was answered; confirm, or reopen.
import "./language.js";
import { texts, times } from "./texts.js";

const STATES = {
  open: ["Đã gửi, chờ cơ quan trả lời", "Sent, waiting for the agency"],
  taken: ["Cơ quan đã tiếp nhận", "The agency has taken it up"],
  answered: ["Cơ quan đã trả lời: xin Ông/Bà xác nhận", "The agency has answered: please confirm"],
  reopened: ["Đã mở lại, chuyển lên cấp trên", "Reopened, with the authority above"],
  confirmed: ["Ông/Bà đã xác nhận: yêu cầu đã đóng", "Confirmed by you: closed"],
  expired: ["Hết hạn: đã đóng mà không có xác nhận của Ông/Bà", "Expired: closed without your confirmation"],
};
const STEPS = {
  taken: ["Tiếp nhận", "Taken up"],
  answered: ["Trả lời", "Answered"],
  confirmed: ["Xác nhận", "Confirmed"],
  reopened: ["Chưa hài lòng", "Not satisfied"],
};
const PROBLEMS = {
  401: ["Đường dẫn không đầy đủ.", "The link is not complete."],
  404: ["Không có yêu cầu nào với đường dẫn này.", "There is no request with this link."],
  422: ["Yêu cầu đã thay đổi trong lúc này; xin xem lại.", "The request has changed meanwhile; please look again."],
  later: ["Chưa thực hiện được. Xin kiểm tra mạng rồi thử lại.", "Not done. Please check the network and try again."],
};
const CITIZEN = ["Ông/Bà", "You"];

const at = (id) => document.getElementById(id);
const secret = location.hash.slice(1);

function tell(what) {
  at("problem").replaceChildren(...texts(...(PROBLEMS[what] ?? PROBLEMS.later)));
  at("problem").hidden = false;
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function fact(vi, en, value) {
  at("facts").append(element("dt", ...texts(vi, en)), element("dd", ...texts(...value)));
}

const named = (name) => [name.vi, name.en];

function step(one) {
  const head = element("p", ...texts(...times(one.at)), " · ", ...texts(...(one.by ? named(one.by) : CITIZEN)));
  const text = one.text ? [element("p", one.text)] : [];
  return element("li", head, element("p", element("strong", ...texts(...STEPS[one.kind]))), ...text);
}

function show(found) {
  at("state").replaceChildren(...texts(...STATES[found.state]));
  at("facts").replaceChildren();
  if (found.office) fact("Nơi được đánh giá", "Office you rated", named(found.office));
  fact("Gửi lúc", "Sent", times(found.opened_at));
  if (found.office && found.due) {
    fact("Cơ quan phải trả lời", "Who has to answer", named(found.holder_name));
    fact("Phải trả lời trước", "To be answered before", times(found.due));
  }
  if (found.late_since) fact("Đã quá hạn từ", "Late since", times(found.late_since));
  if (found.closes_at) fact("Xác nhận hoặc mở lại trước", "Confirm or reopen before", times(found.closes_at));
  if (found.contact) fact("Thông tin liên hệ được lưu đến", "Contact data is kept until", times(found.contact.expires_at));
  else fact("Thông tin liên hệ", "Contact data", ["đã xóa", "erased"]);
  at("steps").replaceChildren(...found.steps.map(step));
  at("steps").hidden = !found.steps.length;
  at("confirm").hidden = !found.allowed.includes("confirmed");
  at("reopen").hidden = !found.allowed.includes("reopened");
  at("erase").hidden = !found.contact;
}

async function ask(path = "", method = "GET", body = undefined) {
  try {
    const answer = await fetch(`/v1/case${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) tell(answer.status);
    return answer;
  } catch {
    tell("later");
    return null;
  }
}

async function look() {
  const answer = await ask();
  if (answer?.ok) show(await answer.json());
}

function on(id, act) {
  at(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    at("problem").hidden = true;
    const button = at(id).querySelector("button");
    button.disabled = true;
    await act();
    await look();
    button.disabled = false;
  });
}

on("confirm", () => ask("", "POST", { kind: "confirmed" }));
on("reopen", () => ask("", "POST", { kind: "reopened", text: at("wrong").value.trim() }));
on("erase", () => ask("/contact", "DELETE"));

if (secret) look();
else tell(401);
