// A form that takes a while says so, and cannot be sent twice. Without this script it works all the same.

for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button");
  const words = button.textContent;
  form.addEventListener("submit", () => {
    button.textContent = form.dataset.busy;
    form.setAttribute("aria-busy", "true");
    setTimeout(() => { button.disabled = true; });
  });
  addEventListener("pageshow", () => {
    button.textContent = words;
    button.disabled = false;
    form.removeAttribute("aria-busy");
  });
}
