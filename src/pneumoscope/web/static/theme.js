"use strict";

/* Dark, light, or as the system has it: set before anything is drawn. */

(() => {
  const name = "pneumoscope-theme";
  const set = (theme) => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  const kept = () => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  set(kept());
  document.addEventListener("DOMContentLoaded", () => {
    const control = document.getElementById("theme");
    control.value = kept() ?? "system";
    control.addEventListener("change", () => {
      set(control.value);
      try {
        localStorage.setItem(name, control.value);
      } catch {
        /* then it holds until the page is closed */
      }
    });
  });
})();
