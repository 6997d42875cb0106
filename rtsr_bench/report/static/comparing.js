// Compares two to four models of a leaderboard. The hash names them: #track;device;a,b,c. The data of each leaderboard
// is a script, data/compare/TRACK--DEVICE.js, which calls rtsrCompare: a page on a disk may load nothing else.
(function () {
  "use strict";
  var MOST = 4, LETTERS = "ABCD", RESAMPLES = 2000, SEED = 20230618, LEAST_IMAGES = 6, SHOWN = 3;

  function parse(hash) {
    var parts = hash.replace(/^#/, "").split(";");
    try { parts = parts.map(decodeURIComponent); } catch (error) { parts = []; }
    var good = parts.length > 1 && parts.slice(0, 2).every(function (one) { return /^[a-z0-9_-]+$/.test(one); });
    var models = good && parts[2] ? parts[2].split(",") : [];
    return {
      board: good ? parts[0] + ";" + parts[1] : "",
      models: models.filter(function (one, place) {
        return /^[a-z0-9_-]+$/.test(one) && models.indexOf(one) === place;
      }).slice(0, MOST)
    };
  }
  function format(asked) { return asked.board + (asked.models.length ? ";" + asked.models.join(",") : ""); }
  function random(seed) {  // mulberry32: the same interval each time
    return function () {
      seed = (seed + 0x6D2B79F5) | 0;
      var t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }
  function mean(values) { return values.reduce(function (sum, one) { return sum + one; }, 0) / values.length; }
  function quantile(ordered, share) {
    var place = (ordered.length - 1) * share, below = Math.floor(place);
    var above = Math.min(below + 1, ordered.length - 1);
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below);
  }
  function interval(values) {  // 95 % percentile bootstrap of the mean; null for too few values
    if (values.length < LEAST_IMAGES) return null;
    var draw = random(SEED), means = [];
    for (var turn = 0; turn < RESAMPLES; turn++) {
      var sum = 0;
      for (var one = 0; one < values.length; one++) sum += values[Math.floor(draw() * values.length)];
      means.push(sum / values.length);
    }
    means.sort(function (a, b) { return a - b; });
    return [quantile(means, 0.025), quantile(means, 0.975)];
  }
  function paired(a, b) {  // differences b - a of the images that both have, with their places
    var found = [];
    a.forEach(function (value, place) {
      if (value !== null && b[place] !== null) found.push({ place: place, value: b[place] - value });
    });
    return found;
  }
  function extremes(differences, count) {  // those most above and most below 0
    var ordered = differences.slice().sort(function (a, b) { return b.value - a.value || a.place - b.place; });
    return {
      won: ordered.filter(function (one) { return one.value > 0; }).slice(0, count),
      lost: ordered.reverse().filter(function (one) { return one.value < 0; }).slice(0, count)
    };
  }
  function best(values, better) {  // the places of the best value; none if all are equal or there is no direction
    var numbers = values.filter(function (one) { return one !== null; });
    var most = Math.max.apply(null, numbers), least = Math.min.apply(null, numbers);
    if (!better || numbers.length < 2 || most === least) return [];
    var wanted = better === "higher" ? most : least;
    return values.map(function (one, place) { return one === wanted ? place : -1; }).filter(function (one) {
      return one >= 0;
    });
  }
  function commonCrops(models) {  // windows that at least one model has, with the files of each model
    var found = [];
    models.forEach(function (model, place) {
      model.crops.forEach(function (crop) {
        var id = crop.image + "|" + crop.window.join(",");
        var entry = found.filter(function (one) { return one.id === id; })[0];
        if (!entry) {
          entry = { id: id, image: crop.image, window: crop.window, hr: crop.files.hr, bicubic: crop.files.bicubic, sr: {} };
          found.push(entry);
        }
        entry.sr[place] = crop.files.sr;
      });
    });
    return found;
  }
  function signed(value, digits) {
    var text = Math.abs(value).toFixed(digits);
    return (Number(text) === 0 ? "" : value > 0 ? "+" : "−") + text;
  }

  if (typeof document === "undefined") {
    module.exports = {
      parse: parse, format: format, interval: interval, paired: paired, extremes: extremes, best: best,
      commonCrops: commonCrops, signed: signed
    };
    return;
  }

  var boards = document.getElementById("board"), models = document.getElementById("models");
  var result = document.getElementById("result"), data = null, loaded = "", asked = parse(location.hash), flip = null;
  document.getElementById("with").hidden = false;
  boards.addEventListener("change", function () { ask({ board: boards.value, models: [] }); });
  window.addEventListener("hashchange", function () { asked = parse(location.hash); load(); });
  window.rtsrCompare = function (found) { data = found; };
  document.addEventListener("keydown", function (event) {
    var control = event.target.closest && event.target.closest("input, select, textarea");
    var typing = control && !control.closest(".flips");
    if (!flip || typing || event.ctrlKey || event.metaKey || event.altKey || !/^[1-4]$/.test(event.key)) return;
    event.preventDefault();
    flip(Number(event.key) - 1);
  });
  load();

  function ask(next) {
    asked = next;
    try { history.replaceState(null, "", location.href.split("#")[0] + "#" + format(asked)); }
    catch (error) { location.replace("#" + format(asked)); }
    load();
  }
  function load() {
    var known = Array.from(boards.options).some(function (one) { return one.value && one.value === asked.board; });
    boards.value = known ? asked.board : "";
    flip = null;
    if (!known) {
      models.replaceChildren();
      result.replaceChildren(add(make("p"), asked.board ? "This site has no leaderboard of this name: choose one above." : "Choose a leaderboard, or tick models on one."));
      return;
    }
    if (loaded === asked.board && data) { show(); return; }
    var script = make("script"), wanted = asked.board;
    data = null;
    script.src = "data/compare/" + wanted.replace(";", "--") + ".js";
    script.onload = function () { if (wanted === asked.board && data) { loaded = wanted; show(); } };
    script.onerror = function () { result.replaceChildren(add(make("p"), "The data of this leaderboard could not be read.")); };
    document.head.appendChild(script);
  }
  function show() {
    var group = data.groups.filter(function (one) { return place(one, asked.models[0]) >= 0; })[0] || data.groups[0];
    var chosen = asked.models.map(function (key) { return group.models[place(group, key)]; }).filter(Boolean);
    asked.models = chosen.map(function (one) { return one.key; });
    choose(chosen);
    result.replaceChildren();
    if (chosen.length < 2) {
      result.appendChild(add(make("p"), "Choose at least two models of the same group."));
      return;
    }
    result.append(numbers(group, chosen), differences(group, chosen), pictures(chosen));
  }
  function place(group, key) { return group.models.map(function (one) { return one.key; }).indexOf(key); }
  function choose(chosen) {
    models.replaceChildren();
    for (var slot = 0; slot < MOST && slot <= Math.max(1, chosen.length); slot++) models.appendChild(select(slot, chosen));
  }
  function select(slot, chosen) {
    var list = make("select"), now = chosen[slot], label = add(make("label"), LETTERS[slot] + " ");
    list.appendChild(option("", "none"));
    data.groups.forEach(function (group) {
      var part = make("optgroup");
      part.label = group.title;
      part.disabled = chosen.length > (now ? 1 : 0) && place(group, chosen[now === chosen[0] ? 1 : 0].key) < 0;
      group.models.forEach(function (one) { part.appendChild(option(one.key, one.name)); });
      list.appendChild(part);
    });
    list.value = now ? now.key : "";
    list.addEventListener("change", function () {
      var keys = asked.models.slice();
      keys[slot] = list.value;
      keys = keys.filter(function (key, at) { return key && keys.indexOf(key) === at; });
      ask({ board: asked.board, models: keys });
    });
    label.appendChild(list);
    return label;
  }
  function option(value, text) {
    var one = add(make("option"), text);
    one.value = value;
    return one;
  }
  function numbers(group, chosen) {
    var rows = group.columns.map(function (column, at) {
      var winners = best(chosen.map(function (one) { return one.values[at]; }), column.better);
      var head = column.label + (column.unit ? ", " + column.unit : "") + (column.group ? " (" + column.group + ")" : "");
      return [head].concat(chosen.map(function (one, which) {
        return { text: one.texts[at], best: winners.indexOf(which) >= 0 };
      }));
    });
    var heads = ["Value"].concat(chosen.map(function (one, which) {
      var link = add(make("a"), LETTERS[which] + " " + one.name);
      link.href = one.address;
      return link;
    }));
    return section("Numbers", [table("Numbers of each model", heads, rows)]);
  }
  function differences(group, chosen) {
    var digits = group.metric.digits, first = chosen[0], lists = [];
    var rows = chosen.slice(1).map(function (one, which) {
      var found = paired(first.psnr, one.psnr), values = found.map(function (each) { return each.value; });
      var range = interval(values), letter = LETTERS[which + 1];
      lists.push(images(group, letter, first, one, extremes(found, SHOWN)));
      var apart = range === null ? "too few images" : range[0] > 0 || range[1] < 0 ? "yes" : "no";
      return [
        letter + " less A", values.length ? signed(mean(values), digits) : "–",
        range ? signed(range[0], digits) + " to " + signed(range[1], digits) : "–", apart,
        values.filter(function (value) { return value > 0; }).length + " of " + values.length,
        first.runtime && one.runtime ? (one.runtime / first.runtime).toFixed(2) + " ×" : "–"
      ];
    });
    var heads = ["Models", group.metric.label + ", " + group.metric.unit, "95 % interval", "Told apart", "Images won", "Runtime, A is 1"];
    var words = "Paired over the same images: the interval is a bootstrap of the mean difference (" + RESAMPLES +
      " resamples). Models are told apart if it does not contain 0.";
    return section("Differences", [add(make("p", "how"), words), table("Differences to A", heads, rows)].concat(lists));
  }
  function images(group, letter, first, one, found) {
    var rows = [["won", found.won], ["lost", found.lost]].reduce(function (all, part) {
      return all.concat(part[1].map(function (each) {
        var image = group.images[each.place], digits = group.metric.digits;
        return [image[1] + " (" + image[0] + ")", part[0], signed(each.value, digits),
          one.psnr[each.place].toFixed(digits), first.psnr[each.place].toFixed(digits)];
      }));
    }, []);
    var heads = ["Image", letter, letter + " less A, dB", "PSNR of " + letter, "PSNR of A"];
    var title = add(make("h3"), "Images that " + letter + " wins and loses most against A");
    var box = make("div");
    box.append(title, rows.length ? table(title.textContent, heads, rows) : add(make("p"), "None: every value is equal."));
    return box;
  }
  function pictures(chosen) {
    var crops = commonCrops(chosen), box = make("div", "panes"), now = 0, times = 2, turn = 0;
    if (!crops.length) return section("Crops", [add(make("p"), "No crops are stored with the records of these models.")]);
    var controls = make("div", "with flips"), which = make("select"), zoom = make("select"), panes = [];
    crops.forEach(function (crop, at) { which.appendChild(option(at, crop.image + " at " + "(" + crop.window[1] + ", " + crop.window[0] + ")")); });
    [1, 2, 3, 4, 6, 8].forEach(function (one) { zoom.appendChild(option(one, one + "×")); });
    zoom.value = times;
    which.addEventListener("change", function () { now = Number(which.value); draw(); });
    zoom.addEventListener("change", function () { times = Number(zoom.value); draw(); });
    controls.append(labelled("Crop", which), labelled("Zoom", zoom));
    flip = function (model) { if (model < chosen.length) { turn = model; draw(); } };
    draw();
    var words = "Keys 1 to " + chosen.length + " change the first picture. All pictures scroll together.";
    return section("Crops", [controls, add(make("p", "how"), words), box]);

    function draw() {
      var crop = crops[now], left = panes.length ? panes[0].scrollLeft : 0, top = panes.length ? panes[0].scrollTop : 0;
      var shown = [["Key " + (turn + 1) + ": " + LETTERS[turn] + " " + chosen[turn].name, crop.sr[turn]]];
      chosen.forEach(function (one, at) { shown.push([LETTERS[at] + " " + one.name, crop.sr[at]]); });
      shown.push(["bicubic", crop.bicubic], ["HR, the original", crop.hr]);
      box.replaceChildren();
      panes = [];
      shown.forEach(function (one) { box.appendChild(pane(one[0], one[1], crop)); });
      panes.forEach(function (one) { one.scrollLeft = left; one.scrollTop = top; });
    }
    function pane(title, file, crop) {
      var figure = make("figure"), frame = make("div", "pane"), scale = times / (window.devicePixelRatio || 1);
      figure.appendChild(add(make("figcaption"), title));
      if (!file) { figure.appendChild(add(make("p"), "no such crop in its record")); return figure; }
      var img = make("img");
      img.src = file;
      img.alt = title + ": " + crop.image;
      img.style.width = crop.window[3] * scale + "px";
      img.style.height = crop.window[2] * scale + "px";
      frame.tabIndex = 0;
      frame.addEventListener("scroll", function () { follow(frame); });
      frame.appendChild(img);
      figure.appendChild(frame);
      panes.push(frame);
      return figure;
    }
    function follow(frame) {
      panes.forEach(function (one) {
        if (one.scrollLeft !== frame.scrollLeft) one.scrollLeft = frame.scrollLeft;
        if (one.scrollTop !== frame.scrollTop) one.scrollTop = frame.scrollTop;
      });
    }
  }
  function labelled(text, control) {
    var label = add(make("label"), text + " ");
    label.appendChild(control);
    return label;
  }
  function section(title, parts) {
    var box = make("section");
    box.append.apply(box, [add(make("h2"), title)].concat(parts));
    return box;
  }
  function table(caption, heads, rows) {
    var frame = make("div", "table"), made = make("table"), head = made.createTHead().insertRow();
    made.prepend(add(make("caption"), caption));
    heads.forEach(function (one, at) { head.appendChild(add(make("th", at ? "num" : "text heading"), one)).scope = "col"; });
    var body = made.createTBody();
    rows.forEach(function (row) {
      var line = body.insertRow();
      row.forEach(function (one, at) {
        var cell = add(make(at ? "td" : "th", at ? "num" : ""), one.text === undefined ? one : one.text);
        if (!at) cell.scope = "row";
        if (one.best) { cell.className = "num best"; cell.appendChild(add(make("span", "hidden"), ", the best")); }
        line.appendChild(cell);
      });
    });
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", caption);
    frame.tabIndex = 0;
    frame.appendChild(made);
    return frame;
  }
  function add(element, content) { element.append(content); return element; }
  function make(tag, name) {
    var element = document.createElement(tag);
    if (name) element.className = name;
    return element;
  }
})();
