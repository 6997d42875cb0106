// The tools of a board: search, FPS bands, views of columns, models to compare, tooltips. Their state is in the hash.
(function () {
  "use strict";
  var MOST = 4, FIRST = "overview", RANKED = "rank:ascending";

  function blank() { return { view: FIRST, q: "", bands: [], sort: "", picks: [] }; }

  function parse(hash) {
    var state = blank();
    hash.replace(/^#/, "").split("&").forEach(function (part) {
      var at = part.indexOf("="), name = part.slice(0, at), value;
      try { value = decodeURIComponent(part.slice(at + 1)); } catch (error) { return; }
      if (at < 0) return;
      if (name === "view" && /^[a-z]+$/.test(value)) state.view = value;
      if (name === "q") state.q = value;
      if (name === "band") state.bands = list(value, /^b\d$/);
      if (name === "sort" && /^[a-z0-9_]+:(a|de)scending$/.test(value)) state.sort = value;
      if (name === "pick") state.picks = list(value, /^[a-z0-9_-]+$/).slice(0, MOST);
    });
    return state;
  }
  function list(text, form) {
    return text.split(",").filter(function (one, place, all) { return form.test(one) && all.indexOf(one) === place; });
  }
  function format(state) {
    return [
      state.view !== FIRST && "view=" + state.view,
      state.q && "q=" + encodeURIComponent(state.q),
      state.bands.length && "band=" + state.bands.join(","),
      state.sort && "sort=" + state.sort,
      state.picks.length && "pick=" + state.picks.join(",")
    ].filter(Boolean).join("&");
  }
  function matches(state, text, band) {
    var found = text.toLowerCase();
    return (!state.bands.length || state.bands.indexOf(band) >= 0) &&
      state.q.toLowerCase().split(/\s+/).every(function (word) { return found.indexOf(word) >= 0; });
  }
  function toggled(all, one) {
    return all.indexOf(one) < 0 ? all.concat(one) : all.filter(function (other) { return other !== one; });
  }

  if (typeof document === "undefined") {
    module.exports = { blank: blank, parse: parse, format: format, matches: matches, toggled: toggled };
    return;
  }

  var state = blank(), tables = all(".board"), points = all(".point"), rows = [], byKey = {};
  var search = document.getElementById("search"), action = document.getElementById("compare");
  var views = all("#tools input[name=view]"), chips = all("#tools .band").map(chip), tip = make("div", "tip");

  tables.forEach(function (table) {
    Array.from(table.tBodies[0].rows).forEach(function (tr) {
      var head = tr.querySelector("th"), box = make("input", "pick"), name = head.querySelector("a").textContent;
      var row = { tr: tr, table: table, key: tr.id.slice(2), text: head.textContent, box: box, name: name };
      box.type = "checkbox";
      box.setAttribute("aria-label", "Compare " + name);
      box.addEventListener("change", function () { pick(row); });
      box.addEventListener("keydown", function (event) { walk(event, row); });
      head.prepend(box);
      rows.push(row);
      byKey[row.key] = row;
    });
    table.addEventListener("sorted", function (event) {
      var order = event.detail.key + ":" + event.detail.direction;
      change(function () { state.sort = order === RANKED ? "" : order; });
    });
  });
  points.forEach(function (point) {
    var title = point.querySelector("title"), row = byKey[point.dataset.key], words = title.textContent;
    title.remove();
    point.addEventListener("pointerenter", function (event) { show(words, event); });
    point.addEventListener("pointerleave", function () { tip.hidden = true; });
    if (row) point.addEventListener("click", function () { if (!row.box.disabled) pick(row); });
  });
  views.forEach(function (radio) {
    radio.addEventListener("change", function () { change(function () { state.view = radio.value; }); });
  });
  search.parentNode.hidden = false;
  search.addEventListener("input", function () { change(function () { state.q = search.value.trim(); }); });
  tip.hidden = true;
  document.body.appendChild(tip);
  window.addEventListener("hashchange", read);
  read();

  function read() {
    if (location.hash.length > 1 && location.hash.indexOf("=") < 0) { showTarget(); return; }
    state = parse(location.hash);
    search.value = state.q;
    apply();
  }
  function showTarget() {  // a link to a row: what a filter hides is shown
    var row = byKey[location.hash.slice(3)];
    if (row && row.tr.hidden) { state.q = search.value = ""; state.bands = []; }
    apply();
    if (row) row.tr.scrollIntoView({ block: "center" });
  }
  function change(edit) {
    edit();
    apply();
    var text = format(state), address = location.href.split("#")[0] + (text ? "#" + text : "");
    try { history.replaceState(null, "", address); } catch (error) { location.replace("#" + (text || "view=" + FIRST)); }
  }
  function apply() {
    var picked = state.picks.map(function (key) { return byKey[key]; }).filter(Boolean);
    var shown = 0;
    state.picks = picked.map(function (row) { return row.key; });
    views.forEach(function (radio) { radio.checked = radio.value === state.view; });
    if (!views.some(function (radio) { return radio.checked; })) { state.view = FIRST; views[0].checked = true; }
    chips.forEach(function (one) { one.setAttribute("aria-pressed", String(state.bands.indexOf(one.dataset.band) >= 0)); });
    rows.forEach(function (row) {
      row.tr.hidden = !matches(state, row.text, row.tr.dataset.band);
      shown += !row.tr.hidden;
      row.box.checked = picked.indexOf(row) >= 0;
      row.box.disabled = !row.box.checked && picked.length > 0 &&
        (picked.length >= MOST || picked[0].table !== row.table);
      row.tr.classList.toggle("picked", row.box.checked);
    });
    tables.forEach(function (table) { order(table); stop(table); });
    points.forEach(function (point) {
      var row = byKey[point.dataset.key];
      point.classList.toggle("picked", !!row && row.box.checked);
      point.classList.toggle("faded", !!row && row.tr.hidden);
    });
    document.getElementById("shown").textContent = shown < rows.length ? shown + " of " + rows.length + " rows" : "";
    action.textContent = "Compare (" + picked.length + ")";
    action.classList.toggle("ready", picked.length > 1);
    action.href = action.href.split("#")[0] + "#" + action.dataset.board + (picked.length ? ";" + state.picks.join(",") : "");
  }
  function order(table) {
    if (table.dataset.sorted === state.sort || !(state.sort || table.dataset.sorted)) return;
    var parts = (state.sort || RANKED).split(":");
    table.dataset.sorted = state.sort;
    table.dispatchEvent(new CustomEvent("sort-by", { detail: { key: parts[0], direction: parts[1] } }));
  }
  function stop(table) {  // one tab stop for the boxes of a table; arrow keys lead to the others
    var boxes = boxesOf(table);
    boxes.forEach(function (box, place) { box.tabIndex = place ? -1 : 0; });
  }
  function boxesOf(table) {
    return Array.from(table.tBodies[0].rows).filter(function (tr) { return !tr.hidden; }).map(function (tr) {
      return tr.querySelector(".pick");
    }).filter(function (box) { return !box.disabled; });
  }
  function walk(event, row) {
    var boxes = boxesOf(row.table), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    var next = step && boxes[boxes.indexOf(row.box) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
  function pick(row) { change(function () { state.picks = toggled(state.picks, row.key).slice(0, MOST); }); }
  function chip(band) {
    var button = make("button", band.className);
    button.type = "button";
    button.dataset.band = band.dataset.band;
    while (band.firstChild) button.appendChild(band.firstChild);
    button.addEventListener("click", function () {
      change(function () { state.bands = toggled(state.bands, button.dataset.band).sort(); });
    });
    band.replaceWith(button);
    return button;
  }
  function show(words, event) {
    tip.textContent = words;
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, window.innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
  }
  function all(selector) { return Array.from(document.querySelectorAll(selector)); }
  function make(tag, name) {
    var element = document.createElement(tag);
    element.className = name;
    return element;
  }
})();
