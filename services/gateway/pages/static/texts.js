// A text in both languages: the page shows the one that is chosen.
export function texts(vi, en) {
  return [["vi", vi], ["en", en]].map(([lang, text]) => {
    const span = document.createElement("span");
    span.lang = lang;
    span.textContent = text;
    return span;
  });
}

const IN = { timeZone: "Asia/Ho_Chi_Minh", dateStyle: "short", timeStyle: "short" };

export function times(iso) {
  const moment = new Date(iso);
  return [moment.toLocaleString("vi-VN", IN), moment.toLocaleString("en-GB", IN)];
}
