// A face can be picked in the drawing too, and the drawing shows which one is. Without this script the list does it.

const faces = [...document.querySelectorAll(".pick .drawing .face")];
const choices = [...document.querySelectorAll(".faces input")];

const show = () => {
  for (const face of faces) {
    const choice = choices.find((input) => input.value === face.dataset.face);
    face.classList.toggle("picked", Boolean(choice?.checked));
  }
};

for (const face of faces) {
  face.classList.add("pickable");
  face.addEventListener("click", () => {
    choices.find((input) => input.value === face.dataset.face)?.click();
  });
}
for (const choice of choices) choice.addEventListener("change", show);
show();
