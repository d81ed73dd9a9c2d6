"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const results = byId("results"), viewer = byId("viewer"), image = byId("viewer-image");
  const number = new Intl.NumberFormat("en");
  let current = null;

  // What each filter shows; the style sheet hides the others by the same selectors.
  const kinds = {
    all: ".card", pneumonia: '[data-decision="PNEUMONIA"]', normal: '[data-decision="NORMAL"]',
    warned: "[data-warned]", refused: "[data-refused]",
  };
  const visible = (card) => card.matches(kinds[results.dataset.show]);
  const words = (card, selector) => card.querySelector(selector)?.textContent.trim().replace(/\s+/g, " ") ?? "";

  function say() {
    const shown = results.querySelectorAll(`:scope > ${kinds[results.dataset.show]}`).length;
    const all = results.children.length;
    byId("shown").textContent = `Showing ${number.format(shown)} of ${number.format(all)} radiographs`;
  }

  for (const button of document.querySelectorAll("[data-show][aria-pressed]")) {
    button.addEventListener("click", () => {
      for (const each of button.parentElement.children) each.setAttribute("aria-pressed", String(each === button));
      results.dataset.show = button.dataset.show;
      say();
    });
  }

  const probability = (card, missing) => (card.dataset.probability === "" ? missing : Number(card.dataset.probability));
  const natural = new Intl.Collator("en", { numeric: true }).compare;
  const orders = {
    number: (a, b) => a.dataset.number - b.dataset.number,
    highest: (a, b) => probability(b, -1) - probability(a, -1) || orders.number(a, b),
    lowest: (a, b) => probability(a, 2) - probability(b, 2) || orders.number(a, b),
    file: (a, b) => natural(words(a, ".file"), words(b, ".file")),
  };
  byId("order").addEventListener("change", (event) => {
    results.append(...Array.from(results.children).sort(orders[event.target.value]));
  });

  // The next or previous card that is shown and has an overlay; null at the end.
  function neighbour(card, step) {
    do card = card && card[step]; while (card && !(card.querySelector("a.thumbnail") && visible(card)));
    return card;
  }

  function show(card) {
    current = card;
    const thumbnail = card.querySelector("a.thumbnail");
    image.src = thumbnail.href;
    image.alt = thumbnail.firstElementChild.alt;
    byId("viewer-file").textContent = words(card, ".file");
    byId("viewer-answer").textContent = [words(card, ".answer"), words(card, ".decision")].filter(Boolean).join(". ");
    byId("previous").disabled = !neighbour(card, "previousElementSibling");
    byId("next").disabled = !neighbour(card, "nextElementSibling");
    if (!viewer.open) viewer.showModal();
  }

  function go(step) {
    const card = neighbour(current, step);
    if (card) show(card);
  }

  results.addEventListener("click", (event) => {
    const thumbnail = event.target.closest("a.thumbnail");
    if (!thumbnail || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(thumbnail.closest(".card"));
  });
  document.addEventListener("keydown", (event) => {
    if (!viewer.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") go("nextElementSibling");
    if (event.key === "ArrowLeft") go("previousElementSibling");
  });
  byId("previous").addEventListener("click", () => go("previousElementSibling"));
  byId("next").addEventListener("click", () => go("nextElementSibling"));
  byId("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("close", () => {
    image.removeAttribute("src");
    current?.querySelector("a.thumbnail").focus();
  });
  say();
})();
