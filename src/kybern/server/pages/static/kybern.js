// What the pages do beyond what HTML does by itself. Everything works without this file; each feature is one function.
(function () {
  "use strict";

  var root = document.documentElement;
  var words = (document.getElementById("words") || { dataset: {} }).dataset;
  var live = document.getElementById("live");
  var apple = /Mac|iPhone|iPad/.test(navigator.platform);

  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function one(selector, within) { return (within || document).querySelector(selector); }
  function say(text) { if (live) { live.textContent = ""; setTimeout(function () { live.textContent = text; }, 50); } }
  function fill(text, value) { return (text || "{0}").replace("{0}", function () { return value; }); }
  function shown(element) { return Boolean(element && element.getClientRects().length); }
  function make(name, attributes, text) {
    var made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) { made.textContent = text; }
    return made;
  }
  function kept(key, value) {
    try {
      if (value === undefined) { return localStorage.getItem(key); }
      if (value === null) { localStorage.removeItem(key); } else { localStorage.setItem(key, value); }
    } catch (error) { /* private windows may refuse */ }
    return null;
  }
  function writing(element) {
    return Boolean(element) && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && !/^(checkbox|radio|button|submit)$/.test(element.type));
  }
  function near(event, selector) { return event.target instanceof Element ? event.target.closest(selector) : null; }
  // The page's own addresses only: a link from an answer may not run script or leave the server.
  function own(address) {
    try { var url = new URL(address, location.href); return url.origin === location.origin ? url.href : null; } catch (error) { return null; }
  }

  // ---- Appearance, navigation

  function setTheme(value) {
    if (value === "system") { delete root.dataset.theme; kept("kybern-theme", null); } else { root.dataset.theme = value; kept("kybern-theme", value); }
    showTheme();
  }
  function showTheme() {
    all("[data-theme-value]").forEach(function (button) { button.setAttribute("aria-pressed", String(button.dataset.themeValue === (root.dataset.theme || "system"))); });
  }
  function themeSwitch() {
    showTheme();
    document.addEventListener("click", function (event) { var button = near(event, "[data-theme-value]"); if (button) { setTheme(button.dataset.themeValue); } });
    window.addEventListener("storage", function (event) {
      if (event.key !== "kybern-theme") { return; }
      if (event.newValue) { root.dataset.theme = event.newValue; } else { delete root.dataset.theme; }
      showTheme();
    });
  }
  function navToggle() {
    var toggle = one("[data-nav-toggle]");
    if (!toggle) { return; }
    function show() { toggle.setAttribute("aria-expanded", String(root.dataset.nav !== "narrow")); }
    toggle.addEventListener("click", function () {
      if (root.dataset.nav === "narrow") { delete root.dataset.nav; kept("kybern-nav", null); } else { root.dataset.nav = "narrow"; kept("kybern-nav", "narrow"); }
      show();
    });
    show();
    var current = one(".side [aria-current]");
    if (current && shown(current)) { current.scrollIntoView({ block: "nearest" }); }
  }
  // Where the tabs have no room, the current one is moved into sight at once; the page itself stays where it is.
  function tabStrips() {
    all(".tabs ul").forEach(function (strip) {
      var current = one("[aria-current]", strip);
      if (!current || strip.scrollWidth <= strip.clientWidth) { return; }
      var tab = current.getBoundingClientRect(), box = strip.getBoundingClientRect();
      strip.scrollLeft += tab.left + tab.width / 2 - box.left - box.width / 2;
    });
  }
  var MENUS = "details.menu[open], details.more-filters[open]";
  function menus() {
    document.addEventListener("click", function (event) { all(MENUS).forEach(function (menu) { if (!menu.contains(event.target)) { menu.open = false; } }); });
    document.addEventListener("keydown", function (event) {
      if (event.key !== "Escape") { return; }
      all(MENUS).forEach(function (menu) { menu.open = false; one("summary", menu).focus(); });
    });
    document.addEventListener("focusout", function (event) {
      var menu = near(event, "details.menu[open]");
      if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) { menu.open = false; }
    });
  }

  // ---- Dialogs

  function open(dialog) { if (dialog && !dialog.open) { all("dialog[open]").forEach(function (other) { other.close(); }); all("details.menu[open]").forEach(function (menu) { menu.open = false; }); dialog.showModal(); } }
  function dialogs() {
    document.addEventListener("click", function (event) {
      var opener = near(event, "[data-dialog]"), closer = near(event, "[data-close]");
      if (opener) { open(document.getElementById(opener.dataset.dialog)); }
      if (closer) { var within = closer.closest("dialog"); if (within) { within.close(); } }
      if (near(event, "[data-help-open]")) { open(document.getElementById("keys")); }
      if (near(event, "[data-palette-open]")) { openPalette(); }
      // A press beside a dialog closes it, unless something was written in it.
      if (event.target.nodeName === "DIALOG" && event.target.open && !one("form[data-changed]", event.target)) {
        var box = event.target.getBoundingClientRect();
        if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) { event.target.close(); }
      }
    });
  }

  // ---- Command palette: the pages of the navigation at once, the server's findings when they come

  var openPalette = function () {};
  function palette() {
    var dialog = document.getElementById("palette");
    if (!dialog) { return; }
    var input = one("input", dialog), list = one("[role=listbox]", dialog), state = one("[role=status]", dialog);
    var hits = [], at = -1, moved = false, asked = 0, timer = null, slow = null, control = null;

    function iconOf(name) {
      var found = all("[data-icon] > svg").filter(function (svg) { return svg.parentElement.dataset.icon === name; })[0];
      if (found) { return found.cloneNode(true); }
      var spare = document.getElementById("palette-icons").content;
      return (all("[data-icon] > svg", spare).filter(function (svg) { return svg.parentElement.dataset.icon === name; })[0] || one("svg", spare)).cloneNode(true);
    }
    function pagesHere() {
      var found = all(".side a[data-icon]").map(function (link) { return { label: link.textContent.trim(), hint: words.page, href: link.getAttribute("href"), icon: link.dataset.icon }; });
      all("a[data-key-label]").forEach(function (link) { found.push({ label: link.dataset.keyLabel, hint: words.action, href: link.getAttribute("href"), icon: "plus" }); });
      return found.concat([
        { label: words.light, hint: words.action, icon: "sun", run: function () { setTheme("light"); } },
        { label: words.dark, hint: words.action, icon: "moon", run: function () { setTheme("dark"); } },
        { label: words.system, hint: words.action, icon: "monitor", run: function () { setTheme("system"); } },
        { label: words.keys, hint: words.action, icon: "keyboard", run: function () { open(document.getElementById("keys")); } }
      ]);
    }
    function fitting(text) {
      var parts = text.toLowerCase().split(/\s+/);
      return pagesHere().filter(function (hit) { var label = hit.label.toLowerCase(); return parts.every(function (part) { return label.indexOf(part) >= 0; }); });
    }
    function choose(index) {
      at = hits.length ? (index + hits.length) % hits.length : -1;
      all("[role=option]", list).forEach(function (option, position) {
        option.setAttribute("aria-selected", String(position === at));
        if (position === at) { option.scrollIntoView({ block: "nearest" }); }
      });
      if (at >= 0) { input.setAttribute("aria-activedescendant", "palette-" + at); } else { input.removeAttribute("aria-activedescendant"); }
    }
    function show(found) {
      // What the reader chose by arrows stays chosen when more comes in; else the first is.
      var chosen = moved && at >= 0 ? hits[at] : null;
      hits = found;
      list.textContent = "";
      hits.forEach(function (hit, index) {
        var option = make("li", { role: "option", id: "palette-" + index, "aria-selected": "false" });
        option.appendChild(iconOf(hit.icon));
        option.appendChild(make("span", { "class": "palette-label" }, hit.label));
        option.appendChild(make("span", { "class": "palette-hint" }, hit.hint || ""));
        list.appendChild(option);
      });
      input.setAttribute("aria-expanded", String(hits.length > 0));
      choose(Math.max(0, chosen ? hits.findIndex(function (hit) { return hit.label === chosen.label && hit.href === chosen.href; }) : 0));
    }
    function tell(text) { if (state.textContent !== text) { state.textContent = text; } }
    function everything(text) { return { label: fill(words.everything, text), hint: "", href: dialog.dataset.everything + encodeURIComponent(text), icon: "search" }; }
    function settle() { clearTimeout(timer); clearTimeout(slow); if (control) { control.abort(); control = null; } }
    function ask() {
      var text = input.value.trim(), turn = ++asked, here = text ? fitting(text) : pagesHere().filter(function (hit) { return !hit.run; });
      moved = false;
      settle();
      show(text ? here.concat([everything(text)]) : here);
      tell("");
      timer = setTimeout(function () {
        control = window.AbortController ? new AbortController() : null;
        slow = setTimeout(function () { tell(words.searching); slow = setTimeout(function () { tell(words.slow); }, 3000); }, 350);
        fetch(dialog.dataset.src + "?q=" + encodeURIComponent(text), { headers: { Accept: "application/json" }, credentials: "same-origin", signal: control ? control.signal : undefined })
          .then(function (answer) { if (!answer.ok) { throw new Error(String(answer.status)); } return answer.json(); })
          .then(function (answer) {
            if (turn !== asked) { return; }
            clearTimeout(slow);
            var known = here.map(function (hit) { return hit.href; });
            var found = answer.filter(function (hit) { return hit && hit.label && own(hit.href) && known.indexOf(hit.href) < 0; });
            show(text ? here.concat(found, [everything(text)]) : found.concat(here));
            tell(text && !here.length && !found.length ? fill(words.nothing, text) : text ? fill(words.results, String(here.length + found.length)) : "");
          })
          .catch(function (error) { if (turn === asked && error.name !== "AbortError") { clearTimeout(slow); tell(words.failed); } });
      }, 120);
    }
    function go(hit, newTab) {
      if (!hit) { return; }
      var address = hit.href && own(hit.href);
      if (hit.run) { dialog.close(); hit.run(); } else if (newTab) { window.open(address, "_blank", "noopener"); } else if (address) { dialog.close(); location.assign(address); }
    }

    openPalette = function () { if (dialog.open) { input.select(); return; } open(dialog); input.value = ""; ask(); input.focus(); };
    dialog.addEventListener("close", function () { asked++; settle(); });
    input.addEventListener("input", ask);
    input.addEventListener("keydown", function (event) {
      if (event.isComposing) { return; }
      var to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(at + 8, hits.length - 1), PageUp: Math.max(at - 8, 0) }[event.key];
      if (to !== undefined) { event.preventDefault(); moved = true; choose(to); }
      if (event.key === "Enter") { event.preventDefault(); go(hits[at], event.ctrlKey || event.metaKey); }
    });
    list.addEventListener("mousemove", function (event) { var option = near(event, "[role=option]"); if (option && option.getAttribute("aria-selected") !== "true") { moved = true; choose(all("[role=option]", list).indexOf(option)); } });
    list.addEventListener("mousedown", function (event) { event.preventDefault(); });
    list.addEventListener("click", function (event) { var option = near(event, "[role=option]"); if (option) { go(hits[all("[role=option]", list).indexOf(option)], event.ctrlKey || event.metaKey); } });
  }

  // ---- Keys

  // A row is walked by its first link; the link has the focus, so Enter opens it as ever.
  function rowsHere() {
    return all("[data-rows] tbody tr, [data-rows] > li, .gaps > .gap, [data-row]").filter(function (row) { return shown(row) && one("a[href]", row); });
  }
  function walk(step) {
    var rows = rowsHere(), now = rows.findIndex(function (row) { return row.contains(document.activeElement); });
    var next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + step, 0), rows.length - 1);
    if (rows[next]) { one("a[href]", rows[next]).focus(); rows[next].scrollIntoView({ block: "nearest" }); }
  }
  function edit() {
    var row = document.activeElement && document.activeElement.closest("[data-edit]");
    if (row) { location.assign(row.dataset.edit); } else { press("e"); }
  }
  function press(key) {
    var target = all("[data-key]").filter(function (element) { return element.dataset.key === key && shown(element) && !element.disabled; })[0];
    if (target) { target.click(); }
    return Boolean(target);
  }
  function keys() {
    var waiting = null, help = document.getElementById("keys"), toggle = help && one("[data-keys-switch]", help);
    function on() { return kept("kybern-keys") !== "off"; }
    if (apple) { all("[data-mod-key=K]").forEach(function (key) { if (key.textContent.indexOf("Ctrl") === 0) { key.textContent = "⌘ K"; } }); }
    if (help) {
      var go = one("[data-keys-go] dl", help), here = one("[data-keys-here]", help), seen = {};
      all(".side a[data-go]").forEach(function (link) {
        var line = make("div"), keysOf = make("dd");
        line.appendChild(make("dt", {}, link.textContent.trim()));
        keysOf.appendChild(make("kbd", {}, "g")); keysOf.appendChild(document.createTextNode(" ")); keysOf.appendChild(make("kbd", {}, link.dataset.go));
        line.appendChild(keysOf); go.appendChild(line);
      });
      all("[data-key][data-key-label]").forEach(function (target) {
        if (seen[target.dataset.key]) { return; }
        seen[target.dataset.key] = true;
        var line = make("div"), keyOf = make("dd");
        line.appendChild(make("dt", {}, target.dataset.keyLabel)); keyOf.appendChild(make("kbd", {}, target.dataset.key));
        line.appendChild(keyOf); one("dl", here).appendChild(line); here.hidden = false;
      });
      toggle.checked = on();
      toggle.addEventListener("change", function () { kept("kybern-keys", toggle.checked ? null : "off"); });
    }
    document.addEventListener("keydown", function (event) {
      if (event.defaultPrevented || event.isComposing) { return; }
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
      if (event.ctrlKey || event.metaKey || event.altKey || !on() || writing(event.target) || one("dialog[open]") || near(event, "[role=grid]")) { return; }
      var key = event.key;
      if (waiting) {
        clearTimeout(waiting); waiting = null;
        var link = all(".side a[data-go]").filter(function (item) { return item.dataset.go === key; })[0];
        if (link) { event.preventDefault(); location.assign(link.href); return; }
      }
      if (key === "g") { waiting = setTimeout(function () { waiting = null; }, 1500); return; }
      var does = { "/": openPalette, "?": function () { open(help); }, j: function () { walk(1); }, k: function () { walk(-1); }, e: edit }[key];
      if (does) { event.preventDefault(); does(); } else if (key.length === 1 && key !== " " && press(key)) { event.preventDefault(); }
    });
  }

  // ---- Forms

  function submit(form) { if (form.requestSubmit) { form.requestSubmit(); } else { form.submit(); } }
  function autosubmit() {
    var timer = null;
    document.addEventListener("change", function (event) { var form = near(event, "form[data-autosubmit]"); if (form && event.target.tagName === "SELECT" || form && /^(checkbox|radio|date)$/.test(event.target.type)) { submit(form); } });
    // A search that was emptied by its cross is asked at once; words wait for Enter, so that nothing moves under someone who writes.
    document.addEventListener("search", function (event) { var form = near(event, "form[data-autosubmit]"); if (form && !event.target.value) { clearTimeout(timer); timer = setTimeout(function () { submit(form); }, 50); } });
    // Empty fields are left out of the address.
    document.addEventListener("submit", function (event) {
      if (event.target.method !== "get") { return; }
      all("input[name], select[name]", event.target).forEach(function (field) { if (!field.value && !field.disabled) { field.disabled = true; setTimeout(function () { field.disabled = false; }); } });
    });
  }
  function dirtyForms() {
    function ask(event) { event.preventDefault(); event.returnValue = ""; }
    function look() { if (one("form[data-changed]")) { window.addEventListener("beforeunload", ask); } else { window.removeEventListener("beforeunload", ask); } }
    document.addEventListener("input", function (event) { var form = near(event, "form[data-dirty], form.record-form"); if (form) { form.dataset.changed = "yes"; look(); } });
    document.addEventListener("reset", function (event) { delete event.target.dataset.changed; look(); });
    document.addEventListener("submit", function (event) { delete event.target.dataset.changed; look(); });
    document.addEventListener("htmx:afterRequest", look);
  }
  // A button that adds, moves or removes a row exchanges the form: what was written stays unsaved, and the focus goes where the eye is.
  function rows() {
    var pressed = null;
    document.addEventListener("htmx:beforeSwap", function (event) {
      var button = event.detail.requestConfig && event.detail.requestConfig.elt, box = button && button.closest(".rows");
      pressed = box && button.name.charAt(0) === "_" ? { box: box.id, name: button.name, value: button.value } : null;
    });
    document.addEventListener("htmx:afterSettle", function () {
      var was = pressed, box = was && document.getElementById(was.box);
      pressed = null;
      if (!box) { return; }
      box.form.dataset.changed = "yes";
      var same = all("button", box).filter(function (button) { return button.name === was.name && button.value === was.value; })[0];
      var lines = all(".row", box), added = lines.length && one("input:not([type=hidden]), select, textarea", lines[lines.length - 1]);
      ((was.name === "_add" ? added : same) || box).focus();
    });
  }
  function once() {
    document.addEventListener("submit", function (event) {
      var form = event.target;
      if (!form.matches("form[data-once]") || event.defaultPrevented) { return; }
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      all("button[type=submit]", form).forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
    });
    window.addEventListener("pageshow", function () {
      all("form[data-sent]").forEach(function (form) { delete form.dataset.sent; all("button[aria-disabled]", form).forEach(function (button) { button.removeAttribute("aria-disabled"); }); });
    });
  }
  function firstError() {
    var wrong = one(".errors[tabindex], [aria-invalid=true]");
    if (wrong && document.activeElement === document.body) { wrong.focus(); }
  }

  // ---- Copying, dismissing

  function copying() {
    document.addEventListener("click", function (event) {
      var button = near(event, "[data-copy]");
      if (!button) { return; }
      (navigator.clipboard ? navigator.clipboard.writeText(button.dataset.copy) : Promise.reject()).then(function () {
        button.classList.add("copied"); say(words.copied); setTimeout(function () { button.classList.remove("copied"); }, 1600);
      }, function () { say(words.notCopied); toast(words.notCopied, "warning"); });
    });
    document.addEventListener("click", function (event) { var button = near(event, "[data-dismiss]"); if (button) { button.closest(".flash").remove(); } });
  }
  function toast(text, tone) {
    var flashes = document.getElementById("flashes");
    if (!flashes || all("p", flashes).some(function (told) { return told.textContent === text; })) { return; }
    var flash = make("div", { "class": "flash " + tone }), close = make("button", { type: "button", "class": "quiet small", "data-dismiss": "" }, words.dismiss);
    flash.appendChild(make("p", {}, text)); flash.appendChild(close); flashes.appendChild(flash);
  }

  // ---- Changes as they come: nothing on the page moves until the reader asks, but for parts marked to follow

  function changes() {
    var address = document.body.dataset.live, fresh = document.getElementById("fresh"), source = null, last = null;
    if (!address || !window.EventSource) { return; }
    function changed(event) {
      last = event.lastEventId || last;
      if (fresh && fresh.hidden) { fresh.hidden = false; say(words.changed); }
      if (window.htmx) { all("[data-live-refresh]").forEach(function (part) { window.htmx.trigger(part, "live-refresh"); }); }
    }
    function listen() {
      if (source) { return; }
      var url = new URL(address, location.href);
      if (last) { url.searchParams.set("since", last); }
      source = new EventSource(url);
      source.addEventListener("changed", changed);
    }
    function stop() { if (source) { source.close(); source = null; } }
    // A browser has few connections to one server; a page that nobody looks at gives its own back.
    document.addEventListener("visibilitychange", function () { if (document.hidden) { stop(); } else { listen(); } });
    window.addEventListener("pagehide", stop);
    window.addEventListener("pageshow", function () { if (!document.hidden) { listen(); } });
    if (!document.hidden) { listen(); }
    document.addEventListener("click", function (event) { if (near(event, "[data-fresh]")) { event.preventDefault(); location.reload(); } });
  }

  // ---- On phones each row of a table is a card: every cell is told its column

  function cards(within) {
    all("table[data-rows], .entrance table", within).forEach(function (table) {
      var heads = all("thead th", table);
      if (heads.length < 3 || table.closest("details.in") || all("tbody tr", table).some(function (row) { return row.cells.length < heads.length || row.cells.length > heads.length + 1; })) { return; }
      table.classList.add("as-cards");
      all("tbody td", table).forEach(function (cell) {
        var head = heads[cell.cellIndex];
        if (!head || one(".hidden-words", head)) { cell.classList.add("bare-cell"); } else if (!cell.dataset.label) { cell.dataset.label = head.textContent.trim(); }
      });
    });
  }

  // ---- A table of fields, by keyboard: arrows between cells, Enter writes and takes over, Escape leaves it as it was

  var FIELD = "input:not([type=hidden]), select, textarea";
  function grid(table) {
    var before = null;
    function cells(row) { return all("td", row).filter(function (cell) { return one(FIELD, cell); }); }
    function rows() { return all("tbody tr", table).filter(function (row) { return shown(row) && cells(row).length; }); }
    function setUp() {
      table.setAttribute("role", "grid");
      rows().forEach(function (row) { cells(row).forEach(function (cell) { cell.tabIndex = -1; all(FIELD, cell).forEach(function (field) { field.tabIndex = -1; }); }); });
      if (!one("td[tabindex='0']", table)) { var first = one("td[tabindex]", table); if (first) { first.tabIndex = 0; } }
    }
    function focus(cell) {
      if (!cell) { return; }
      all("td[tabindex='0']", table).forEach(function (other) { other.tabIndex = -1; });
      cell.tabIndex = 0; cell.focus();
    }
    function move(cell, down, right) {
      var list = rows(), row = list.indexOf(cell.parentElement), column = cells(cell.parentElement).indexOf(cell);
      var next = list[Math.min(Math.max(row + down, 0), list.length - 1)], line = cells(next);
      focus(line[Math.min(Math.max(column + right, 0), line.length - 1)]);
    }
    function write(cell, text) {
      var field = one(FIELD, cell);
      before = field.type === "checkbox" ? field.checked : field.value;
      field.focus();
      if (text !== undefined && /^(text|search|number|)$/.test(field.type || "")) { field.value = ""; } else if (field.select) { field.select(); }
    }
    function restore(field) {
      if (field.type === "checkbox") { field.checked = before; } else { field.value = before; }
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    table.addEventListener("keydown", function (event) {
      var cell = near(event, "td"), key = event.key;
      if (!cell || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) { return; }
      if (event.target === cell) {
        var step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [0, -99], End: [0, 99] }[key];
        if (step) { event.preventDefault(); move(cell, step[0], step[1]); return; }
        var field = one(FIELD, cell);
        if (key === "Enter" || key === "F2") { event.preventDefault(); write(cell); }
        else if (key === " " && field.type === "checkbox") { event.preventDefault(); field.click(); }
        else if (key.length === 1 && key !== " ") { write(cell, key); }
        return;
      }
      if (key === "Escape") { event.preventDefault(); event.stopPropagation(); restore(event.target); focus(cell); }
      if (key === "Enter" && event.target.tagName !== "TEXTAREA") { event.preventDefault(); event.target.blur(); move(cell, event.shiftKey ? -1 : 1, 0); }
      if (key === "Tab") {
        var list = cells(cell.parentElement), next = list[list.indexOf(cell) + (event.shiftKey ? -1 : 1)];
        if (next) { event.preventDefault(); focus(next); }
      }
    });
    table.addEventListener("focusin", function (event) {
      var cell = near(event, "td");
      if (cell && event.target !== cell && event.target.matches(FIELD)) {
        before = event.target.type === "checkbox" ? event.target.checked : event.target.value;
        all("td[tabindex='0']", table).forEach(function (other) { other.tabIndex = -1; }); cell.tabIndex = 0;
      }
    });
    setUp();
    table.addEventListener("htmx:afterSettle", setUp);
  }
  function grids(within) { all("table[data-grid]", within).forEach(function (table) { if (!table.dataset.gridOn) { table.dataset.gridOn = "yes"; grid(table); } }); }

  // ---- Requests in the page

  function requests() {
    var bar = document.getElementById("slow"), open = 0, timer = null;
    function begin() { open++; if (!timer) { timer = setTimeout(function () { if (bar) { bar.hidden = false; } }, 2000); } }
    function end() { open = Math.max(0, open - 1); if (!open) { clearTimeout(timer); timer = null; if (bar) { bar.hidden = true; } } }
    document.addEventListener("htmx:beforeSend", begin);
    document.addEventListener("htmx:afterRequest", end);
    document.addEventListener("submit", function (event) { if (!event.defaultPrevented && !event.target.matches("[hx-get], [hx-post], [hx-put], [hx-delete]")) { begin(); } });
    window.addEventListener("pageshow", function () { open = 0; end(); });
    document.addEventListener("htmx:responseError", function (event) { toast(fill(words.error, String(event.detail.xhr.status)), "error"); });
    document.addEventListener("htmx:sendError", function () { toast(words.offline, "error"); });
    document.addEventListener("htmx:load", function (event) { grids(event.target); cards(event.target); });
  }

  themeSwitch(); navToggle(); tabStrips(); menus(); dialogs(); palette(); keys(); autosubmit(); dirtyForms(); rows(); once(); firstError(); copying(); changes(); grids(); cards(); requests();
})();
