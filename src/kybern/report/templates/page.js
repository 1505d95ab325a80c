(function () {
  "use strict";
  var root = document.documentElement, $ = function (s, e) { return Array.prototype.slice.call((e || document).querySelectorAll(s)); };
  function keep(key, value) { try { if (value === undefined) { return localStorage.getItem(key); } localStorage.setItem(key, value); } catch (e) { return null; } }

  var theme = document.getElementById("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  function isDark() { return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches; }
  function nameTheme() { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", "Switch to the " + (isDark() ? "light" : "dark") + " theme"); }
  var kept = keep("kybern-theme");
  if (kept === "dark" || kept === "light") { root.dataset.theme = kept; }
  theme.hidden = false; nameTheme(); dark.addEventListener("change", nameTheme);
  theme.addEventListener("click", function () { root.dataset.theme = isDark() ? "light" : "dark"; keep("kybern-theme", root.dataset.theme); nameTheme(); });

  // A control's tree stands once in the page; where a requirement opens it, it is copied there.
  function grow(details) {
    var source = details.dataset.tree && document.getElementById(details.dataset.tree);
    if (!source || details.dataset.grown) { return; }
    details.dataset.grown = "1";
    var tree = source.querySelector(".tree");
    if (tree) { details.querySelector(".body").prepend(tree.cloneNode(true)); }
  }
  document.addEventListener("toggle", function (event) { if (event.target.open && event.target.dataset.tree) { grow(event.target); } }, true);

  var form = document.getElementById("filter"), empty = document.querySelector(".empty"), rest = document.getElementById("other-gaps");
  var leaves = $(".req.leaf"), groups = $(".req:not(.leaf)"), gaps = $(".gap"), texts = new Map();
  function textOf(item) {
    if (!texts.has(item)) {
      var said = item.classList.contains("gap") ? item.textContent : $(":scope > summary, :scope > .body > p, :scope > .body > .ans > summary", item).map(function (e) { return e.textContent; }).join(" ");
      texts.set(item, said.toLowerCase());
    }
    return texts.get(item);
  }
  function apply(write) {
    var q = form.q.value.trim().toLowerCase(), status = form.status.value, layer = form.layer.value, active = Boolean(q || status || layer);
    function fits(item) { return (!status || item.dataset.status === status) && (!layer || item.dataset.layer === layer) && (!q || textOf(item).indexOf(q) >= 0); }
    function show(list) { return list.filter(function (item) { item.hidden = active && !fits(item); return !item.hidden; }).length; }
    var seen = show(leaves), open = show(gaps);
    groups.forEach(function (group) { group.hidden = active && !group.querySelector(".req.leaf:not([hidden])"); if (active && write !== "quiet") { group.open = !group.hidden; } });
    if (rest && active) { rest.open = Boolean(rest.querySelector(".gap:not([hidden])")); }
    empty.hidden = seen > 0;
    form.count.textContent = active ? seen + " of " + leaves.length + " requirements, " + open + " of " + gaps.length + " gaps" : "";
    form.classList.toggle("active", active);
    var query = new URLSearchParams();
    ["q", "status", "layer"].forEach(function (name) { if (form[name].value.trim()) { query.set(name, form[name].value.trim()); } });
    var said = query.toString();
    if (write) { try { history.replaceState(null, "", location.pathname + (said ? "?" + said : "") + location.hash); } catch (e) { /* a sandbox may forbid it; the filter works all the same */ } }
  }
  form.hidden = false;
  new URLSearchParams(location.search).forEach(function (value, name) { if (form[name] && (name === "q" || name === "status" || name === "layer")) { form[name].value = value; } });
  form.addEventListener("input", function () { apply(true); });
  form.addEventListener("submit", function (event) { event.preventDefault(); apply(true); });
  form.addEventListener("reset", function () { setTimeout(function () { apply(true); }); });

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[data-status], a[data-layer]");
    if (link) { form.reset(); form.q.value = ""; form.status.value = link.dataset.status || ""; form.layer.value = link.dataset.layer || ""; setTimeout(function () { apply(true); reveal(); }); }
    var copy = event.target.closest && event.target.closest("button[data-copy]");
    if (copy && navigator.clipboard) { navigator.clipboard.writeText(copy.dataset.copy).then(function () { copy.textContent = "Copied"; }); }
  });
  $("code[data-copy]").forEach(function (code) {
    var button = document.createElement("button");
    button.type = "button"; button.textContent = "Copy"; button.dataset.copy = code.dataset.copy; button.setAttribute("aria-label", "Copy the digest");
    code.after(" ", button);
  });

  // An address opens what it names: a page of its own, or a requirement with everything around it.
  var title = document.title;
  function reveal() {
    var target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch (e) { return; }
    var page = target && target.closest(".page");
    document.title = page ? page.querySelector("h1").textContent + " · " + title : title;
    if (!target) { return; }
    for (var at = target; at; at = at.parentElement) { at.hidden = false; if (at.tagName === "DETAILS") { at.open = true; } }
    target.scrollIntoView();
    var focus = target === page ? page.querySelector("h1") : target.tagName === "DETAILS" ? target.querySelector("summary") : null;
    if (focus) { focus.focus({ preventScroll: true }); }
  }
  addEventListener("hashchange", reveal);
  apply(location.hash ? "quiet" : false);
  reveal();
}());
