// Everything that a person reads, Vietnamese first.
const WORDS = {
  vi: {
    subtitle: "Mức độ hài lòng của người dân tại nơi tiếp nhận hồ sơ, cập nhật liên tục",
    window: "Khoảng thời gian",
    "24h": "24 giờ",
    "7d": "7 ngày",
    "30d": "30 ngày",
    "90d": "90 ngày",
    country: "Cả nước",
    alerts: "Cảnh báo hiện tại",
    noAlerts: "Không có cảnh báo",
    places: "Tỉnh, thành phố, bộ và đơn vị",
    reading: "Không phải bảng xếp hạng: hai đơn vị có khoảng tin cậy chồng lên nhau chưa chắc khác nhau.",
    place: "Nơi",
    offices: "Các đơn vị",
    index: "Hài lòng",
    interval: "Khoảng tin cậy 95 %",
    answers: "Lượt trả lời",
    before: "Kỳ trước",
    satisfied: "hài lòng",
    noAnswers: "Chưa có lượt trả lời",
    withheld: "Không công bố để bảo vệ người trả lời",
    withheldBriefly: "Không công bố",
    privacy: "Số liệu từ quá ít lượt trả lời không được công bố để bảo vệ người trả lời; một số số liệu khác cũng không được công bố để không ai tính ngược ra được.",
    live: "Đang cập nhật trực tiếp",
    cut: "Mất kết nối, đang thử lại…",
    asOf: "Tính đến",
    basis: "Thông tin quản lý từ ý kiến tự nguyện, không phải số liệu thống kê chính thức. Chỉ số là tỷ lệ trả lời “hài lòng” hoặc “rất hài lòng”.",
    history: "Theo ngày",
    levels: "Phân bố câu trả lời",
    mean: "Điểm trung bình",
    close: "Đóng",
    since: "từ",
    to: "còn",
    fell: "giảm",
    drifted: "giảm dần",
    belowTarget: "dưới mục tiêu",
    silentKiosks: "Kiosk mất tín hiệu",
    level1: "Rất không hài lòng",
    level2: "Không hài lòng",
    level3: "Bình thường",
    level4: "Hài lòng",
    level5: "Rất hài lòng",
    otherLanguage: "English",
  },
  en: {
    subtitle: "How satisfied people are where they hand in dossiers, continuously updated",
    window: "Window",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    country: "Viet Nam",
    alerts: "Current alerts",
    noAlerts: "No alert",
    places: "Provinces, ministries and offices",
    reading: "Not a ranking: two offices whose intervals overlap may not differ at all.",
    place: "Place",
    offices: "Offices",
    index: "Satisfied",
    interval: "95% interval",
    answers: "Answers",
    before: "Window before",
    satisfied: "satisfied",
    noAnswers: "No answers yet",
    withheld: "Withheld to protect those who answered",
    withheldBriefly: "Withheld",
    privacy: "Figures that rest on too few answers are withheld to protect those who answered, and with them some others, so that nobody can work them out.",
    live: "Live",
    cut: "Connection lost, trying again…",
    asOf: "As of",
    basis: "Management information from voluntary answers, not an official statistic. The index is the share of answers “satisfied” or “very satisfied”.",
    history: "By day",
    levels: "Distribution of answers",
    mean: "Mean level",
    close: "Close",
    since: "from",
    to: "to",
    fell: "fell",
    drifted: "drifted down",
    belowTarget: "below target",
    silentKiosks: "Silent kiosks",
    level1: "Very dissatisfied",
    level2: "Dissatisfied",
    level3: "Neutral",
    level4: "Satisfied",
    level5: "Very satisfied",
    otherLanguage: "Tiếng Việt",
  },
};

const KEPT = "langnghe.language";
let language = localStorage.getItem(KEPT) === "en" ? "en" : "vi";

export function switchLanguage() {
  language = language === "vi" ? "en" : "vi";
  localStorage.setItem(KEPT, language);
}

export function word(key) {
  return WORDS[language][key];
}

export function named(name) {
  return name[language];
}

// Why a figure has no numbers.
export function nothingShown(figure) {
  return word(figure.withheld ? "withheld" : "noAnswers");
}

export function percent(value) {
  if (value === null || value === undefined) return "–";
  const text = value.toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return language === "vi" ? `${text} %` : `${text}%`;
}

export function whole(value) {
  if (value === null) return "–";
  return value.toLocaleString(language);
}

export function decimal(value) {
  return value.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function interval(figure) {
  return figure.n ? `${percent(figure.low)} – ${percent(figure.high)}` : "";
}

export function summary(figure) {
  return figure.withheld
    ? word("withheldBriefly")
    : `${percent(figure.index)} (n = ${whole(figure.n)})`;
}

export function time(iso) {
  return new Date(iso).toLocaleString(language === "vi" ? "vi-VN" : "en-GB", {
    timeZone: "Asia/Ho_Chi_Minh",
    dateStyle: "short",
    timeStyle: "short",
  });
}

export function translate(root) {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
  }
}
