// An image may be dropped on the form instead of being chosen. Without this script the file input does the same.

const form = document.querySelector("form.drop");

if (form) {
  const input = form.querySelector("input[type=file]");
  const over = (on) => form.classList.toggle("over", on);

  for (const event of ["dragenter", "dragover"]) {
    form.addEventListener(event, (drag) => { drag.preventDefault(); over(true); });
  }
  form.addEventListener("dragleave", (drag) => { if (!form.contains(drag.relatedTarget)) over(false); });
  form.addEventListener("drop", (drag) => {
    drag.preventDefault();
    over(false);
    if (drag.dataTransfer.files.length > 0) {
      input.files = drag.dataTransfer.files;
      form.requestSubmit();
    }
  });
}
