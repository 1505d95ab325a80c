// Runs before the page is painted: the appearance that was chosen here, and whether the navigation shows its names.
(function () {
  "use strict";
  var root = document.documentElement;
  root.dataset.script = "on";
  try {
    var theme = localStorage.getItem("kybern-theme");
    if (theme === "dark" || theme === "light") { root.dataset.theme = theme; }
    if (localStorage.getItem("kybern-nav") === "narrow") { root.dataset.nav = "narrow"; }
  } catch (error) { /* without storage the system's appearance stands */ }
})();
