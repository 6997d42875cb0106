// Replaces three crops by one image with a slider, SR on the left, bicubic or HR on the right, at an integer zoom: each
// pixel of the crop is a square of whole pixels of the screen.
(function () {
  "use strict";
  document.querySelectorAll(".compare").forEach(function (box, number) {
    var parts = {};
    box.querySelectorAll("img").forEach(function (img) { parts[img.dataset.part] = img; });
    if (!parts.sr || !parts.bicubic || !parts.hr) return;
    var width = Number(parts.hr.getAttribute("width")), height = Number(parts.hr.getAttribute("height"));
    var stage = make("div", "stage"), controls = make("div", "controls"), range = make("input", "");
    ["hr", "bicubic", "sr"].forEach(function (part) { stage.appendChild(parts[part]); });
    stage.appendChild(make("span", "handle"));
    range.type = "range"; range.min = 0; range.max = 100; range.value = 50; range.step = 1;
    range.setAttribute("aria-label", "Share of the picture that shows SR, in percent");
    words("SR against");
    ["bicubic", "hr"].forEach(function (part, place) {
      radio("other-", part === "hr" ? "HR" : "bicubic", place === 0, function () { show(part); });
    });
    words("zoom");
    var most = Math.max(1, Math.min(4, Math.floor(box.clientWidth * scale() / width))), first = Math.min(3, most);
    [1, 2, 3, 4].slice(0, most).forEach(function (times) {
      radio("zoom-", times + "×", times === first, function () { zoom(times); });
    });
    range.addEventListener("input", move);
    box.replaceChildren(stage, range, controls);
    box.classList.add("on");
    show("bicubic"); move(); zoom(first);
    function show(part) {
      parts.bicubic.hidden = part !== "bicubic";
      parts.hr.hidden = part !== "hr";
    }
    function move() { stage.style.setProperty("--cut", range.value + "%"); }
    function zoom(times) {
      var wide = width * times / scale() + "px", high = height * times / scale() + "px";
      Object.keys(parts).forEach(function (part) { parts[part].style.width = wide; parts[part].style.height = high; });
      stage.style.width = range.style.width = wide;
      stage.style.height = high;
    }
    function words(text) { controls.appendChild(make("span", "")).textContent = text; }
    function radio(group, text, on, then) {
      var label = make("label", ""), input = make("input", "");
      input.type = "radio"; input.name = group + number; input.checked = on;
      input.addEventListener("change", then);
      label.append(input, " " + text);
      controls.appendChild(label);
    }
  });
  function scale() { return window.devicePixelRatio || 1; }
  function make(tag, name) {
    var element = document.createElement(tag);
    if (name) element.className = name;
    return element;
  }
})();
