// Gradio disables a whole group of choices or none of it. Of a recipe's steps those alone are disabled whose title says
// that they cannot be chosen, in the words of recipe_picker.NOT.
new MutationObserver(() => {
  for (const choice of document.querySelectorAll(".mma-choice label")) {
    const box = choice.querySelector("input");
    const title = choice.textContent.split("\n")[0];
    const refused = !box.checked && title.includes(" · not ");
    // Both are asked: Gradio sets a box anew and knows nothing of the class.
    if (box.disabled !== refused) box.disabled = refused;
    if (choice.classList.contains("mma-refused") !== refused) choice.classList.toggle("mma-refused", refused);
  }
}).observe(document, { childList: true, subtree: true, characterData: true, attributeFilter: ["class"] });

// A click into a box of choices leaves the caret behind the chosen one, so that what is typed finds nothing: the click
// that enters the box marks what is chosen, and typing replaces it.
let entered = null;
document.addEventListener("pointerdown", ({ target }) => {
  const box = target.matches("input[role=combobox]") && target !== document.activeElement;
  entered = box ? target : null;
});
document.addEventListener("click", ({ target }) => {
  if (target === entered) target.select();
  entered = null;
});
