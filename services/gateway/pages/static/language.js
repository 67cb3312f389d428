// Both languages are in the page; this says which one is seen.
const button = document.getElementById("language");

export function show(lang) {
  document.documentElement.lang = lang;
  button.lang = lang === "vi" ? "en" : "vi";
  button.textContent = lang === "vi" ? "English" : "Tiếng Việt";
}

button.addEventListener("click", () => show(document.documentElement.lang === "vi" ? "en" : "vi"));
