// Replaces three crops by one image with a slider: SR on the left, bicubic or HR on the right.
(function () {
  "use strict";
  document.querySelectorAll(".compare").forEach(function (box, number) {
    var parts = {};
    box.querySelectorAll("img").forEach(function (img) { parts[img.dataset.part] = img; });
    if (!parts.sr || !parts.bicubic || !parts.hr) return;
    var stage = make("div", "stage"), controls = make("div", "controls"), range = make("input", "");
    ["hr", "bicubic", "sr"].forEach(function (part) { stage.appendChild(parts[part]); });
    stage.appendChild(make("span", "handle"));
    range.type = "range"; range.min = 0; range.max = 100; range.value = 50; range.step = 1;
    range.setAttribute("aria-label", "Share of the picture that shows SR, in percent");
    ["bicubic", "hr"].forEach(function (part, place) {
      var label = make("label", ""), radio = make("input", "");
      radio.type = "radio"; radio.name = "other-" + number; radio.checked = place === 0;
      radio.addEventListener("change", function () { show(part); });
      label.append(radio, " " + (part === "hr" ? "HR" : "bicubic"));
      controls.appendChild(label);
    });
    var words = make("span", "");
    words.textContent = "SR against";
    controls.prepend(words);
    range.addEventListener("input", move);
    box.replaceChildren(stage, range, controls);
    box.classList.add("on");
    show("bicubic"); move();
    function show(part) {
      parts.bicubic.hidden = part !== "bicubic";
      parts.hr.hidden = part !== "hr";
    }
    function move() { stage.style.setProperty("--cut", range.value + "%"); }
  });
  function make(tag, name) {
    var element = document.createElement(tag);
    if (name) element.className = name;
    return element;
  }
})();
